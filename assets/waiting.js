// Says how long ago something happened, second by second, and asks for news every few seconds.
import { createElement as h, useEffect, useRef, useState } from "react";

export function Waiting({ age, stamp, every, text, onTick }) {
  const [passed, setPassed] = useState(0);
  const tick = useRef(onTick);
  tick.current = onTick;
  useEffect(() => {
    const start = Date.now();
    setPassed(0);
    const timer = setInterval(() => setPassed(Math.round((Date.now() - start) / 1000)), 1000);
    return () => clearInterval(timer);
  }, [age, stamp]);
  useEffect(() => {
    const timer = setInterval(() => tick.current?.(), every * 1000);
    return () => clearInterval(timer);
  }, [every]);
  return age < 0 ? null : h("span", null, text.replace("{seconds}", age + passed));
}
