// Says how long ago something happened and when it comes again, second by second, and asks for news
// every few seconds.
import { createElement as h, useEffect, useRef, useState } from "react";
import { t } from "$/public/words.js";

const length = (seconds) => {
  if (seconds < 120) return t("{count} s", { count: seconds });
  return seconds < 7200
    ? t("{count} min", { count: Math.round(seconds / 60) })
    : t("{count} h", { count: Math.round(seconds / 3600) });
};

export function Waiting({ age, ahead, stamp, every, text, soon, onTick }) {
  const [passed, setPassed] = useState(0);
  const tick = useRef(onTick);
  tick.current = onTick;
  useEffect(() => {
    const start = Date.now();
    setPassed(0);
    const timer = setInterval(() => setPassed(Math.round((Date.now() - start) / 1000)), 1000);
    return () => clearInterval(timer);
  }, [age, ahead, stamp]);
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => tick.current?.(), every * 1000);
    return () => clearInterval(timer);
  }, [every]);
  const words = ahead > passed ? text : soon;
  // Between two states the properties come one after another.
  if (!(age >= 0) || !words) return null;
  const said = words.replace("{ago}", length(age + passed));
  return h("span", null, said.replace("{next}", length(ahead - passed)));
}
