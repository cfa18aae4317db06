// How the style sheets are built: Radix's comes whole, and the compiled pages use a fifth of it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const RADIX = "node_modules/@radix-ui/themes/dist/esm/components";
const COMPONENT = /\.(rt-[A-Z]\w*)/g;
// Responsive props make a class for each value and width. No component of ours uses them.
const RESPONSIVE = /\.(xs|sm|md|lg|xl)\\:/;
// Arguments of :where(), :is() and :not() may name a class that nothing has.
const ARGUMENTS = /:(where|is|not|has)\((?:[^()]|\([^()]*\))*\)/g;

const kebab = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();

function usedComponents() {
  const pages = ["app", "app_components"].flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith(".jsx"))
      .map((name) => readFileSync(join(folder, name), "utf8")),
  );
  const names = pages.flatMap((page) => [...page.matchAll(/(\w+) as RadixThemes/g)]);
  return names.map(([, name]) => join(RADIX, `${kebab(name)}.js`));
}

function usedClasses() {
  const files = [join(RADIX, "theme.js"), ...usedComponents()];
  const seen = new Set();
  const classes = new Set();
  while (files.length) {
    const file = files.pop();
    if (seen.has(file) || !existsSync(file)) continue;
    seen.add(file);
    const script = readFileSync(file, "utf8");
    for (const [name] of script.matchAll(/rt-[A-Z]\w*/g)) classes.add(name);
    for (const [, path] of script.matchAll(/from"(\.[^"]+)"/g)) files.push(join(dirname(file), path));
  }
  return classes;
}

function keepWhatIsUsed() {
  const used = usedClasses();
  const isUsed = (selector) =>
    !RESPONSIVE.test(selector) &&
    [...selector.replace(ARGUMENTS, "").matchAll(COMPONENT)].every(([, name]) => used.has(name));
  return {
    postcssPlugin: "keep-what-is-used",
    OnceExit(root) {
      root.walkRules((rule) => {
        const kept = rule.selectors.filter(isUsed);
        if (kept.length === 0) rule.remove();
        else if (kept.length < rule.selectors.length) rule.selectors = kept;
      });
      root.walkAtRules((rule) => {
        if (rule.nodes?.length === 0) rule.remove();
      });
    },
  };
}

const { default: imports } = await import("postcss-import");
const { default: autoprefixer } = await import("autoprefixer");
export default { plugins: [imports(), keepWhatIsUsed(), autoprefixer()] };
