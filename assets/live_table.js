// The staff's live table. The page of rows comes with the state; afterwards only changed rows come,
// as patches, and are merged here: in place with one flash, on top where they do not move the row
// being read, else behind a pill that counts them.
import { DropdownMenu } from "@radix-ui/themes";
import { createElement as h, memo, useEffect, useMemo, useReducer, useRef } from "react";
import { tn } from "$/public/words.js";

const SKELETON_ROWS = 12;
const LEAVE_MS = 1600;
const ON_ROW_ONLY = ["approve", "cancel", "refund", "ask"];

function blank(turn, rows) {
  return { turn, rows, seen: 0, flashes: {}, leaving: {}, waiting: [], missed: false };
}

// Whether a row that is not shown belongs among those that are: only newest first is certain.
function belongs(state, row, view) {
  if (!view.newest || !view.first) return row.at >= view.loaded;
  const last = state.rows[state.rows.length - 1];
  return state.rows.length < view.size || !last || row.at >= last.at;
}

function place(rows, row, size) {
  const at = rows.findIndex((shown) => shown.at <= row.at);
  const index = at < 0 ? rows.length : at;
  return [...rows.slice(0, index), row, ...rows.slice(index)].slice(0, size);
}

function take(state, { row, match, n }, view) {
  const flashes = { ...state.flashes, [row.id]: n };
  if (state.rows.some((shown) => shown.id === row.id)) {
    const rows = state.rows.map((shown) => (shown.id === row.id ? row : shown));
    const leaving = { ...state.leaving };
    if (match) delete leaving[row.id];
    else leaving[row.id] = true;
    return { ...state, rows, flashes, leaving };
  }
  const waiting = state.waiting.filter((id) => id !== row.id);
  if (!match || !belongs(state, row, view)) return { ...state, waiting };
  if (view.top) return { ...state, rows: place(state.rows, row, view.size), flashes, waiting };
  return { ...state, waiting: [...waiting, row.id] };
}

function merge(state, patch, view) {
  if (patch.turn !== state.turn || patch.last <= state.seen) return state;
  const fresh = patch.changes.filter((change) => change.n > state.seen);
  const missed = fresh.length < patch.last - state.seen;
  const next = fresh.reduce((made, change) => take(made, change, view), state);
  return { ...next, seen: patch.last, missed: state.missed || missed };
}

function reduce(state, action) {
  if (action.kind === "load") return blank(action.turn, action.rows);
  if (action.kind === "patch") return merge(state, action.patch, action.view);
  const rows = state.rows.filter((row) => !state.leaving[row.id]);
  return { ...state, rows, leaving: {} };
}

function age(seconds, locale) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[2];
  const format = { style: "unit", unit, unitDisplay: "short" };
  return new Intl.NumberFormat(locale, format).format(Math.max(0, Math.floor(seconds / size)));
}

function content(column, row, texts, now, onOpen) {
  switch (column.key) {
    case "date":
      return row.date;
    case "description":
      return [
        h("a", {
          key: "link", href: `?payment=${row.reference}`, className: "row-link rt-Link",
          "data-reference": row.reference, title: row.description,
          onClick: (event) => { event.preventDefault(); onOpen(row.reference); },
        }, row.description),
        row.note && h("small", { key: "note", className: "private", title: texts.private }, row.note),
      ];
    case "status":
      return h("span", { className: `pill ${row.status}` }, row.label);
    case "age":
      return row.since ? age(now - row.since, texts.locale) : "";
    default:
      return row[column.key];
  }
}

function Menu({ row, deeds, texts, onDeed }) {
  const own = row.deeds.split(" ");
  const offered = Object.entries(deeds).filter(([deed]) => own.includes(deed) || !ON_ROW_ONLY.includes(deed));
  return h(DropdownMenu.Root, null,
    h(DropdownMenu.Trigger, null, h("button", {
      type: "button", className: "row-menu", "aria-label": texts.menu.replace("{reference}", row.reference),
    }, "\u22ef")),
    h(DropdownMenu.Content, { align: "end", size: "1" }, offered.map(([deed, label]) => h(DropdownMenu.Item, {
      key: deed, color: deed === "cancel" ? "red" : undefined, onSelect: () => onDeed(deed, row.reference),
    }, label))));
}

const Row = memo(function Row({ row, columns, texts, deeds, flash, leaving, minute, onOpen, onDeed }) {
  const now = minute * 60;
  const classes = [row.status, flash ? `flash-${flash % 2}` : "", leaving ? "leaving" : ""];
  return h("tr", { className: classes.join(" ") },
    columns.map((column) => h("td",
      { key: column.key, className: column.className, "data-label": column.label },
      content(column, row, texts, now, onOpen))),
    h("td", { className: "menu" }, h(Menu, { row, deeds, texts, onDeed })));
});

function Head({ column, order, onSort }) {
  const sorted = { [column.up]: "ascending", [column.down]: "descending" }[order] ?? "none";
  if (!column.up) return h("th", { scope: "col", className: column.className }, column.label);
  const arrow = { ascending: "\u2191", descending: "\u2193", none: "\u2195" }[sorted];
  return h("th", { scope: "col", className: column.className, "aria-sort": sorted },
    h("button", { type: "button", onClick: () => onSort(order === column.down ? column.up : column.down) },
      column.label,
      h("span", { "aria-hidden": true, className: sorted === "none" ? "unsorted" : "" }, arrow)));
}

function useMinute() {
  const [minute, tick] = useReducer(() => Math.floor(Date.now() / 60000), 0, () => Math.floor(Date.now() / 60000));
  useEffect(() => {
    const timer = setInterval(tick, 30000);
    return () => clearInterval(timer);
  }, []);
  return minute;
}

// The tick of a change is announced politely, the latest one only.
function Spoken({ state, texts }) {
  const ids = Object.entries(state.flashes).sort((a, b) => b[1] - a[1]);
  const row = state.rows.find((shown) => ids.length && String(shown.id) === ids[0][0]);
  return h("p", { className: "sr-only", role: "status" },
    row ? `${row.account}, ${row.description}, ${row.total}: ${row.label}` : "");
}

export function LiveTable({
  rows, turn, patch, columns, hidden, order, first, size, loaded, loading, texts, deeds, opened,
  onSort, onOpen, onDeed, onOpenedChanged, onRefresh,
}) {
  const [state, dispatch] = useReducer(reduce, undefined, () => blank(turn, rows));
  const minute = useMinute();
  // The same functions for ever, so that rows which did not change are not drawn anew.
  const calls = useRef({});
  calls.current = { onOpen, onDeed };
  const steady = useRef({
    onOpen: (reference) => calls.current.onOpen(reference),
    onDeed: (deed, reference) => calls.current.onDeed(deed, reference),
  });
  useEffect(() => {
    dispatch({ kind: "load", turn, rows });
  }, [turn, rows]);
  useEffect(() => {
    // A patch may come before the rows that it belongs to: it is looked at again with them.
    if (patch.turn !== turn) return;
    const top = window.scrollY < 8 && !document.activeElement?.matches(".dense .row-link");
    dispatch({ kind: "patch", patch, view: { newest: order === "newest", first, size, loaded, top: top && first } });
  }, [patch, turn, rows]);
  useEffect(() => {
    if (opened && patch.changes.some(({ row }) => row.reference === opened)) onOpenedChanged([opened]);
  }, [patch]);
  useEffect(() => {
    if (state.missed) onRefresh();
  }, [state.missed]);
  useEffect(() => {
    if (!Object.keys(state.leaving).length) return undefined;
    const timer = setTimeout(() => dispatch({ kind: "leave" }), LEAVE_MS);
    return () => clearTimeout(timer);
  }, [state.leaving]);
  const shown = useMemo(
    () => columns.filter((column) => !hidden.split(",").includes(column.key)),
    [JSON.stringify(columns), hidden],
  );
  const words = useMemo(() => texts, [JSON.stringify(texts)]);
  const offers = useMemo(() => deeds, [JSON.stringify(deeds)]);
  const count = state.waiting.length;
  return h("div", { className: "live-table" },
    h(Spoken, { state, texts }),
    count > 0 && h("button", { type: "button", className: "news-pill", onClick: onRefresh },
      tn("{count} new payment", "{count} new payments", count)),
    h("div", { className: "dense-frame" },
      h("table", { className: "dense", "aria-label": texts.name, "aria-busy": loading },
        h("thead", null, h("tr", null,
          shown.map((column) => h(Head, { key: column.key, column, order, onSort })),
          h("th", { className: "menu" }, h("span", { className: "sr-only" }, texts.actions)))),
        h("tbody", null, loading
          ? Array.from({ length: SKELETON_ROWS }, (_, index) => h("tr", { key: index, className: "skeleton" },
            shown.map((column) => h("td", { key: column.key }, h("span", { className: "bone" }))), h("td", { className: "menu" })))
          : state.rows.map((row) => h(Row, {
            key: row.id, row, columns: shown, texts: words, deeds: offers, flash: state.flashes[row.id],
            leaving: Boolean(state.leaving[row.id]), minute, ...steady.current,
          }))))));
}

// Says when the last news came, second by second, without asking the server.
export function Updated({ stamp, text, locale }) {
  const since = useRef(Date.now());
  const [, tick] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    since.current = Date.now();
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [stamp]);
  const seconds = Math.round((Date.now() - since.current) / 1000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "narrow" });
  const ago = seconds < 60 ? format.format(-seconds, "second") : format.format(-Math.floor(seconds / 60), "minute");
  return h("span", { className: "updated tabular" }, text.replace("{ago}", ago));
}
