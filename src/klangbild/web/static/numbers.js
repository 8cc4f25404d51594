// Numbers as the reader writes them: with a decimal point or comma, whichever the language; both are understood everywhere.

import { known } from "./words.js";

const WRITTEN = /^[+-]?(\d+[.,]?\d*|[.,]\d+)$/;

// "0,5" and "0.5" are .5; what is no number is NaN
export function number(text) {
  const plain = String(text).trim().replace("−", "-");
  return WRITTEN.test(plain) ? Number(plain.replace(",", ".")) : NaN;
}

export function written(value, digits) {
  return (digits === undefined ? String(value) : value.toFixed(digits)).replace(".", known.decimal);
}

export const signed = (value) => (value < 0 ? "−" : "+") + written(Math.abs(value), 2);
