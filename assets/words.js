// The words of the pages. English is in the pages themselves; another language's catalogue is fetched
// from the first moment on (see components/words.py), and the page stays hidden until it is here.
import { createElement as h, Fragment, useLayoutEffect, useSyncExternalStore } from "react";
import { Direction } from "radix-ui";

const awaited = typeof window === "undefined" ? undefined : window.portalWords;
const listeners = new Set();
let loaded = null;
let spoken = null;

awaited?.then((catalogue) => {
  loaded = catalogue;
  listeners.forEach((listener) => listener());
});

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

function fill(text, values) {
  if (!values) return text;
  // Figures and names keep their own order within a sentence that is written from the right.
  const isolate = spoken?.dir === "rtl" ? (value) => `\u2068${value}\u2069` : String;
  return text.replace(/\{(\w+)\}/g, (_, name) =>
    values[name] === "" ? "" : isolate(values[name] ?? ""),
  );
}

export const t = (text, values) => fill(spoken?.words[text] ?? text, values);

export function tn(one, many, count, values) {
  const category = new Intl.PluralRules(spoken?.language ?? "en").select(count);
  const forms = spoken?.words[one] ?? [one, many];
  const form = forms.at((spoken?.plurals ?? ["one", "other"]).indexOf(category));
  const figure = new Intl.NumberFormat(spoken?.language ?? "en").format(count);
  return fill(form, { count: figure, ...values });
}

// Draws everything anew when the catalogue is here: the page that was built ahead is in English.
export function Words({ children }) {
  const words = useSyncExternalStore(
    subscribe,
    () => loaded,
    () => null,
  );
  spoken = words;
  useLayoutEffect(() => {
    if (words) delete document.documentElement.dataset.words;
  }, [words]);
  return h(
    Direction.Provider,
    { dir: words?.dir ?? "ltr" },
    h(Fragment, { key: words?.language }, children),
  );
}
