// One card field in its own frame. The page around it is told what state the field is in, never
// what was typed; the frames of one group share their digits over a BroadcastChannel.
import { RULES, brandOf, problem } from "./card_text.js";
import { confirmCard } from "./confirm.js";

const kind = document.body.dataset.kind;
const rules = RULES[kind];
const input = document.getElementById("field");
const { group, page, options } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const channel = new BroadcastChannel(`stripe-sandbox-${group}`);
const STYLES = [
  "color", "fontFamily", "fontSize", "fontStyle", "fontWeight", "letterSpacing", "lineHeight",
  "textAlign", "textTransform",
];

let digits = "";
let brand = brandOf("");
let touched = false;
let style = {};

const tell = (type, detail = {}) =>
  window.parent.postMessage({ sandbox: group, from: kind, type, ...detail }, page);

function fault() {
  if (!digits && !touched) return null;
  const code = rules.check(digits, brand);
  const early = code?.startsWith("incomplete") && !touched;
  return code && digits && !early ? problem(code) : null;
}

function paint() {
  const error = fault();
  const complete = !rules.check(digits, brand);
  const look = { ...style.base };
  Object.assign(look, !digits && style.empty, complete && style.complete, error && style.invalid);
  for (const name of STYLES) input.style[name] = look[name] ?? "";
  const placeholder = style.base?.["::placeholder"]?.color;
  if (placeholder) input.style.setProperty("--placeholder", placeholder);
  input.setAttribute("aria-invalid", String(Boolean(error)));
  return { error, complete };
}

function change() {
  const { error, complete } = paint();
  const event = { elementType: kind, empty: !digits, complete, error: error ?? undefined };
  if (kind === "cardNumber") {
    event.brand = brand.brand;
    channel.postMessage({ brandDigits: digits.slice(0, 4) });
  }
  tell("change", { event });
}

function configure(next) {
  style = next.style ?? style;
  if (next.placeholder !== undefined) input.placeholder = next.placeholder;
  if (next.disabled !== undefined) input.disabled = next.disabled;
  if (next.label) input.setAttribute("aria-label", next.label);
  paint();
  tell("height", { height: input.offsetHeight });
}

function show(text, caretDigits) {
  const before = digits;
  digits = rules.clean(text, brand);
  if (kind === "cardNumber") brand = brandOf(digits);
  const shown = rules.format(digits);
  if (input.value !== shown) input.value = shown;
  let caret = 0;
  for (let seen = 0; caret < shown.length && seen < caretDigits; caret += 1) {
    if (/\d/.test(shown[caret])) seen += 1;
  }
  while (caretDigits && caret < shown.length && /\D/.test(shown[caret])) caret += 1;
  if (document.activeElement === input) input.setSelectionRange(caret, caret);
  if (digits !== before) change();
}

input.addEventListener("input", () => {
  const typed = input.value.slice(0, input.selectionStart).replace(/\D/g, "").length;
  const grown = rules.clean(input.value, brand).length - input.value.replace(/\D/g, "").length;
  show(input.value, typed + Math.max(0, grown));
});

input.addEventListener("keydown", (event) => {
  if (event.key === "Enter") tell("enter");
  if (input.selectionStart !== input.selectionEnd) return;
  let at = input.selectionStart;
  const step = { Backspace: -1, Delete: 1 }[event.key];
  if (!step) return;
  while (/[^\d]/.test(input.value[step < 0 ? at - 1 : at] ?? "0")) at += step;
  input.setSelectionRange(at, at);
});

input.addEventListener("focus", () => tell("focus"));
input.addEventListener("blur", () => {
  touched = true;
  change();
  tell("blur");
});

channel.addEventListener("message", ({ data }) => {
  if (data.ask) channel.postMessage({ reply: data.ask, kind, digits, code: rules.check(digits, brand) });
  if (data.brandDigits !== undefined && kind === "cardCvc") {
    brand = brandOf(data.brandDigits);
    show(digits, digits.length);
  }
});

const orders = {
  update: ({ options: next }) => configure(next),
  focus: () => input.focus(),
  blur: () => input.blur(),
  clear: () => {
    touched = false;
    show("", 0);
  },
  confirm: async ({ request, clientSecret, key, billing }) => {
    const own = { kind, digits, code: rules.check(digits, brand) };
    tell("result", { request, result: await confirmCard({ channel, own, clientSecret, key, billing }) });
  },
};

window.addEventListener("message", ({ data, origin, source }) => {
  if (source === window.parent && origin === page && data?.sandbox === group) orders[data.type]?.(data);
});

configure(options);
// What was typed before this script came counts too.
show(input.value, input.value.length);
tell("ready");
