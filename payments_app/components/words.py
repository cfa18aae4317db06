"""Words on pages, looked up in the browser: a page is built once, for all languages."""

import hashlib
import json
from typing import Any, Final

import reflex as rx
from reflex.utils.imports import ImportVar
from reflex.vars import VarData

from payments_app.domain.languages import ENGLISH, LANGUAGES
from payments_app.services.catalogues import path_of

_LIBRARY: Final = "$/public/words.js"
_INSIDE_THE_THEME: Final = 10
"""The theme wraps pages at 20, what is inside it at less."""


def t(text: str, /, **values: Any) -> rx.Var[str]:
    """Return words in the language of the browser, with each ``{name}`` replaced by its value."""
    return _call("t", [rx.Var.create(text)], values)


def tn(one: str, many: str, count: rx.Var[int], /, **values: Any) -> rx.Var[str]:
    """Return the words for so many, ``{count}`` among them."""
    return _call("tn", [rx.Var.create(one), rx.Var.create(many), count], values)


def _call(function: str, arguments: list[rx.Var[Any]], values: dict[str, Any]) -> rx.Var[str]:
    if values:
        arguments = [*arguments, rx.Var.create(values)]
    data = VarData(imports={_LIBRARY: [ImportVar(tag=function)]})
    return rx.Var(
        f"{function}({', '.join(map(str, arguments))})",
        _var_type=str,
        _var_data=VarData.merge(data, *(argument._get_all_var_data() for argument in arguments)),
    )


class Words(rx.Component):
    """Draws its content in the language of the browser. See assets/words.js."""

    library = _LIBRARY
    tag = "Words"


def speak_on_pages(app: rx.App) -> None:
    """Let all pages of an app speak the language of their reader."""
    app.extra_app_wraps[_INSIDE_THE_THEME, "Words"] = lambda _stateful: Words.create()
    app.head_components.append(_head_script())


def _head_script() -> rx.Component:
    """Return the script that finds out the language and begins to fetch its words.

    It runs before anything is drawn. The cookie is set with the login or by a choice.
    """
    versions = {
        code: [_digest(code), "rtl" if language.from_right else "ltr"]
        for code, language in LANGUAGES.items()
        if code != ENGLISH
    }
    return rx.el.script(_HEAD.replace("VERSIONS", json.dumps(versions)))


def _digest(language: str) -> str:
    return hashlib.sha256(path_of(language).read_bytes()).hexdigest()[:12]


_HEAD: Final = """
if (typeof document !== "undefined") (() => {
  const versions = VERSIONS;
  const chosen = document.cookie.match(/(?:^|; )locale=([\\w-]+)/);
  const codes = (chosen ? [chosen[1]] : navigator.languages)
    .map((tag) => tag.toLowerCase().split(/[-_]/)[0].replace(/^tl$/, "fil"));
  const code = codes.find((code) => code === "en" || versions[code]) ?? "en";
  if (code === "en") return;
  const html = document.documentElement;
  const show = (lang, dir, words) => {
    Object.assign(html, { lang, dir });
    html.dataset.words = words;
  };
  show(code, versions[code][1], "awaited");
  window.portalWords = fetch(`/words/${code}.json?v=${versions[code][0]}`)
    .then((answer) => answer.ok ? answer.json() : Promise.reject(answer.status))
    .catch(() => { show("en", "ltr", "missing"); return null; });
})();
"""
