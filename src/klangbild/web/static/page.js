// The page: a picture comes in, its mood is read and can be moved, music is made and kept. Each file here is one part of it.

import "./picture.js";
import "./mood.js";
import "./marks.js";
import "./work.js";
import "./making.js";
import "./examples.js";
import "./presets.js";
import "./theme.js";

document.documentElement.dataset.ready = "true";
