// Rows that change by themselves, for the tables of customers and staff. The page of rows comes with
// the state; afterwards only changed rows come, as patches, and are merged here: in place with one
// flash, on top where they do not move the row being read, else behind a pill that counts them.
import { createContext, createElement as h, useContext, useEffect, useMemo, useReducer } from "react";
import { noteList } from "./first_rows.js";

const LEAVE_MS = 1600;

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

// The look alternates, so that a row can flash twice.
export function flashing(flash) {
  return flash ? `flash-${flash.turn}` : "";
}

function take(state, { row, match, n }, view) {
  const flash = { n, turn: state.flashes[row.id]?.turn ? 0 : 1 };
  const flashes = { ...state.flashes, [row.id]: flash };
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

export function useLiveRows({
  rows, turn, patch, order, first, size, loaded, opened, onOpenedChanged, onMissed,
}) {
  const [state, dispatch] = useReducer(reduce, undefined, () => blank(turn, rows));
  useEffect(() => {
    dispatch({ kind: "load", turn, rows });
  }, [turn, rows]);
  useEffect(() => {
    // A patch may come before the rows that it belongs to: it is looked at again with them.
    if (patch.turn !== turn) return;
    const top = first && window.scrollY < 8 && !document.activeElement?.matches(".row-link");
    dispatch({ kind: "patch", patch, view: { newest: order === "newest", first, size, loaded, top } });
  }, [patch, turn, rows]);
  useEffect(() => {
    const changed = patch.changes.map(({ row }) => row.reference);
    if (changed.some((reference) => opened.includes(reference))) onOpenedChanged(changed);
  }, [patch]);
  useEffect(() => {
    if (state.missed) onMissed();
  }, [state.missed]);
  useEffect(() => {
    if (!Object.keys(state.leaving).length) return undefined;
    const timer = setTimeout(() => dispatch({ kind: "leave" }), LEAVE_MS);
    return () => clearTimeout(timer);
  }, [state.leaving]);
  return state;
}

// The row that changed last, to be announced politely.
export function latest({ flashes, rows }) {
  const [id] = Object.entries(flashes).sort((a, b) => b[1].n - a[1].n)[0] ?? [];
  return rows.find((row) => String(row.id) === id);
}

const Live = createContext({ rows: [], waiting: 0, spoken: "" });

export const useLive = () => useContext(Live);

// Gives its content the rows, each with how it looks just now.
export function LiveRows({ children, ...props }) {
  const state = useLiveRows(props);
  const changed = props.narrowed || props.order !== "newest" || !props.first;
  useEffect(() => {
    if (props.turn) noteList(changed);
  }, [props.turn, changed]);
  const value = useMemo(() => {
    const { rows, flashes, leaving, waiting } = state;
    const news = latest(state);
    return {
      rows: rows.map((row) => ({ ...row, look: `${flashing(flashes[row.id])} ${leaving[row.id] ? "leaving" : ""}` })),
      waiting: waiting.length,
      spoken: news ? `${news.description}, ${news.total}: ${news.status_label}` : "",
    };
  }, [state]);
  return h(Live.Provider, { value }, children);
}
