"""The page of the listening test: one HTML document without any outside address, for keyboard and phone, light and dark."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Listening test</title><link rel="icon" href="data:,">
<style>
:root{--paper:#fbf9f5;--ink:#23262b;--soft:#5d626b;--line:#d9d5cc;--accent:#2f6fb0;--panel:#fff}
@media(prefers-color-scheme:dark){:root{--paper:#191b1f;--ink:#ece9e2;--soft:#a9adb5;--line:#3a3e46;--accent:#7db4ec;--panel:#22252b}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1rem 1rem 4rem}h1{font-size:1.3rem}
progress{width:100%;height:.5rem;accent-color:var(--accent)}
img{max-width:100%;max-height:45vh;display:block;margin:0 auto;border-radius:.4rem}
audio{width:100%;margin:.8rem 0}
fieldset{border:1px solid var(--line);border-radius:.5rem;background:var(--panel);margin:.8rem 0;padding:.6rem .9rem}
legend{font-weight:600;padding:0 .3rem}.row{display:flex;gap:.5rem;flex-wrap:wrap}
.row label{flex:1 1 3rem;min-height:3rem;border:1px solid var(--line);border-radius:.5rem;display:flex;align-items:center;justify-content:center;cursor:pointer}
.row input{position:absolute;opacity:0}.row label:has(input:checked){background:var(--accent);color:var(--paper)}
label:has(input:focus-visible),button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
input[type=range]{width:100%;min-height:2.4rem;accent-color:var(--accent)}
.ends{display:flex;justify-content:space-between;color:var(--soft);font-size:.85rem}
button{font:inherit;padding:.8rem 1.4rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--paper);cursor:pointer;min-height:3rem}
button:disabled{opacity:.4;cursor:default}.four{display:grid;grid-template-columns:1fr 1fr;gap:.6rem}
.four label{border:3px solid transparent;border-radius:.6rem;cursor:pointer;display:block}.four input{position:absolute;opacity:0}
.four label:has(input:checked){border-color:var(--accent)}.soft{color:var(--soft);font-size:.9rem}#error{color:#b5352c}
</style></head><body><main id="main"><p>Loading ...</p></main>
<script>
"use strict";
const main=document.getElementById("main"), el=(t,a={},...c)=>{const e=document.createElement(t);
  for(const[k,v]of Object.entries(a)){k in e&&k!=="list"?e[k]=v:e.setAttribute(k,v)}e.append(...c);return e};
let token=location.hash.slice(1)||localStorage.getItem("klangbild-rater")||"", since=0, heard=0, last=null;
async function call(path,body){
  for(let wait=500;;wait=Math.min(wait*2,8000)){
    try{const r=await fetch(path,body?{method:"POST",headers:{"Content-Type":"application/json"},body:JSON.stringify(body)}:{});
      if(r.status<500){const j=await r.json();if(!r.ok)throw Object.assign(new Error(j.error),{final:true});return j}
    }catch(e){if(e.final)throw e}
    say("The server does not answer; your answers are kept, trying again ...");await new Promise(f=>setTimeout(f,wait))}}
function say(text){let e=document.getElementById("error");if(!e){e=el("p",{id:"error",role:"status"});main.append(e)}e.textContent=text}
async function start(){
  const study=await call("/api/study"+(token?"?rater="+encodeURIComponent(token):""));
  if(study.known){return next()}
  const box=el("input",{type:"checkbox",id:"yes"}), go=el("button",{disabled:true},"Begin");
  box.onchange=()=>go.disabled=!box.checked;
  go.onclick=async()=>{try{const r=await call("/api/start",{consent:true});token=r.rater;localStorage.setItem("klangbild-rater",token);history.replaceState(null,"","#"+token);await next()}catch(e){say(e.message)}};
  main.replaceChildren(el("h1",{},"Listening test"),...study.consent.split("\\n\\n").map(t=>el("p",{},t)),
    el("p",{},el("label",{},box," I have read this and want to take part.")),go)}
async function next(){
  const t=await call("/api/next?rater="+encodeURIComponent(token));
  if(t.done){main.replaceChildren(el("h1",{},"Thank you!"),el("p",{},"All answers are kept. You may close this page."));return}
  show(t)}
function player(id,name){const a=el("audio",{controls:true,preload:"auto",src:"/sound/"+id+".wav"});a.setAttribute("aria-label",name);
  a.ontimeupdate=()=>{if(last!==null&&!a.paused){const d=a.currentTime-last;if(d>0&&d<1)heard+=d}last=a.currentTime};a.onpause=()=>last=null;
  a.onplay=()=>{last=a.currentTime;for(const o of document.querySelectorAll("audio"))if(o!==a)o.pause()};return a}
function picture(id,alt){return el("img",{src:"/picture/"+id,alt})}
function choice(question,text,options,pick){const f=el("fieldset",{},el("legend",{},text)),row=el("div",{className:"row"});
  options.forEach(([v,l])=>{const i=el("input",{type:"radio",name:question,value:v});i.onchange=()=>pick(question,v);row.append(el("label",{},i,l))});
  f.append(row);return f}
function show(t){
  since=performance.now();heard=0;last=null;const given={};
  const go=el("button",{disabled:true},"Next (Enter)"), need=t.questions.map(q=>q.name);
  const pick=(q,v)=>{given[q]=+v;go.disabled=!need.every(n=>n in given)};
  const parts=[el("progress",{max:t.total,value:t.position})];
  if(t.kind!=="which")parts.push(picture(t.pictures[0],"the picture"));
  t.sounds.forEach((s,i)=>parts.push(el("p",{},t.sounds.length>1?"Music "+"AB"[i]:"The music (space: play)"),player(s,"music")));
  for(const q of t.questions){
    if(q.name==="which_picture"){const f=el("fieldset",{},el("legend",{},q.text)),g=el("div",{className:"four"});
      t.pictures.forEach((p,i)=>{const r=el("input",{type:"radio",name:q.name,value:i});r.onchange=()=>pick(q.name,i);g.append(el("label",{},r,picture(p,"picture "+(i+1))))});f.append(g);parts.push(f)}
    else if(q.name==="fits_better")parts.push(choice(q.name,q.text,[[0,"A"],[1,"B"]],pick));
    else if(q.high>10){const r=el("input",{type:"range",min:q.low,max:q.high,value:(q.low+q.high)/2});r.setAttribute("aria-label",q.text);
      const out=el("span",{},"not moved yet");r.oninput=()=>{out.textContent=r.value;pick(q.name,r.value)};
      parts.push(el("fieldset",{},el("legend",{},q.text),r,el("div",{className:"ends"},el("span",{},q.low+" bad"),out,el("span",{},q.high+" excellent"))))}
    else parts.push(choice(q.name,q.text,Array.from({length:q.high-q.low+1},(_,i)=>[q.low+i,""+(q.low+i)]),pick),
      el("div",{className:"ends"},el("span",{},q.low+" = bad"),el("span",{},q.high+" = excellent")))}
  go.onclick=async()=>{go.disabled=true;try{await call("/api/answer",{rater:token,trial:t.number,answers:given,seconds:(performance.now()-since)/1000,heard_s:heard});await next()}
    catch(e){say(e.message);go.disabled=false}};
  parts.push(go,el("p",{className:"soft"},`${t.position+1} of ${t.total}. Keys: space plays, 1-5 or A/B answers, Tab moves, Enter goes on.`));
  main.replaceChildren(...parts);main.querySelector("audio")?.focus();window.scrollTo(0,0)}
document.addEventListener("keydown",e=>{
  if(e.ctrlKey||e.metaKey||e.altKey)return;
  const go=[...document.querySelectorAll("button")].pop();
  if(e.key==="Enter"&&go&&!go.disabled&&e.target!==go){e.preventDefault();go.click();return}
  if(e.key===" "&&!["INPUT","BUTTON","AUDIO"].includes(e.target.tagName)){const a=document.querySelector("audio");if(a){e.preventDefault();a.paused?a.play():a.pause()}}
  const v=/^[1-5]$/.test(e.key)?e.key:/^[abAB]$/.test(e.key)?""+"ab".indexOf(e.key.toLowerCase()):null;
  if(v!==null&&!(e.target.type==="range")){for(const f of document.querySelectorAll("fieldset")){
    if(f.querySelector("input:checked")||!f.querySelector("input[type=radio]"))continue;
    const four=f.querySelector(".four");const want=four?""+(+v-1):v;const i=f.querySelector(`input[value="${want}"]`);
    if(i){i.checked=true;i.onchange();i.focus();break}}}});
start().catch(e=>say(e.message));
</script></body></html>
"""

CONSENT = """You will see pictures, hear short pieces of music, and say what you think of them. It takes about {minutes} minutes.

Nothing is asked about you, and no name is stored: only your answers, how long you took, and a random number that lets you go on where you stopped. The answers stay on the computer that runs this page.

You may stop at any time by closing the page. Headphones help. Please do not discuss the music with others before you have finished."""
