// Arrow keys, Home and End move through the rows of the list; Enter opens one, being a link.
// When the sheet closes, the focus goes back to the row that it was opened from.
import { useEffect, useRef } from "react";

const ROWS = "a.row-link";

function target(key, rows, at) {
  if (key === "ArrowDown") return rows[Math.min(at + 1, rows.length - 1)];
  if (key === "ArrowUp") return rows[Math.max(at - 1, 0)];
  if (at < 0) return undefined;
  return { Home: rows[0], End: rows[rows.length - 1] }[key];
}

function move(event) {
  const { activeElement, body } = document;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (activeElement !== body && !activeElement.matches(ROWS)) return;
  const rows = [...document.querySelectorAll(ROWS)];
  const row = target(event.key, rows, rows.indexOf(activeElement));
  if (!row) return;
  event.preventDefault();
  row.focus();
}

export function RowKeys({ opened }) {
  const last = useRef("");
  useEffect(() => {
    document.addEventListener("keydown", move);
    return () => document.removeEventListener("keydown", move);
  }, []);
  useEffect(() => {
    if (opened) {
      last.current = opened;
      return undefined;
    }
    if (!last.current) return undefined;
    const reference = last.current;
    last.current = "";
    let frame;
    const giveBack = () => {
      if (document.querySelector("[role=dialog]")) frame = requestAnimationFrame(giveBack);
      else [...document.querySelectorAll(ROWS)].find((row) => row.dataset.reference === reference)?.focus();
    };
    giveBack();
    return () => cancelAnimationFrame(frame);
  }, [opened]);
  return null;
}
