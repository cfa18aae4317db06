// The staff's live table, whose rows change by themselves (live_rows.js).
import { DropdownMenu } from "@radix-ui/themes";
import { createElement as h, memo, useEffect, useMemo, useReducer, useRef } from "react";
import { flashing, latest, useLiveRows } from "$/public/live_rows.js";
import { tn } from "$/public/words.js";

const SKELETON_ROWS = 12;
const ON_ROW_ONLY = ["approve", "cancel", "refund", "ask"];

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
    case "account":
    case "method":
      return h("bdi", null, row[column.key]);
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
  const classes = [row.status, flashing(flash), leaving ? "leaving" : ""];
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

export function LiveTable({ columns, hidden, loading, texts, deeds, onSort, onOpen, onDeed, onFirst, ...live }) {
  const state = useLiveRows(live);
  const minute = useMinute();
  // The same functions for ever, so that rows which did not change are not drawn anew.
  const calls = useRef({});
  calls.current = { onOpen, onDeed };
  const steady = useRef({
    onOpen: (reference) => calls.current.onOpen(reference),
    onDeed: (deed, reference) => calls.current.onDeed(deed, reference),
  });
  const shown = useMemo(
    () => columns.filter((column) => !hidden.split(",").includes(column.key)),
    [JSON.stringify(columns), hidden],
  );
  const words = useMemo(() => texts, [JSON.stringify(texts)]);
  const offers = useMemo(() => deeds, [JSON.stringify(deeds)]);
  const count = state.waiting.length;
  const news = latest(state);
  return h("div", { className: "live-table" },
    h("p", { className: "sr-only", role: "status" },
      news ? `${news.account}, ${news.description}, ${news.total}: ${news.label}` : ""),
    count > 0 && h("button", { type: "button", className: "news-pill", onClick: onFirst },
      tn("{count} new payment", "{count} new payments", count)),
    h("div", { className: "dense-frame" },
      h("table", { className: "dense", "aria-label": texts.name, "aria-busy": loading },
        h("thead", null, h("tr", null,
          shown.map((column) => h(Head, { key: column.key, column, order: live.order, onSort })),
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
