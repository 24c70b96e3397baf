#!/usr/bin/env python3
"""Renders template_cases.json with Jinja itself: what our templates give is what Jinja's authors expect."""
import json
import os
import sys

from jinja2 import DictLoader, Environment, StrictUndefined


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "template_cases.json"), encoding="utf-8") as f:
        table = json.load(f)
    same, failed = 0, 0
    for case in table["cases"]:
        if "not_jinja" in case:
            continue
        env = Environment(autoescape=case.get("html", False), keep_trailing_newline=True, undefined=StrictUndefined,
                          loader=DictLoader(case.get("partials", {})))
        # Two spellings of one thing: Jinja escapes " by number. And Jinja makes every line end a \n, ours leave them as they are.
        env.newline_sequence = "\r\n" if "\r\n" in case["template"] else "\n"
        try:
            out = env.from_string(case["template"]).render(table["data"]).replace("&#34;", "&quot;")
        except Exception as e:  # the report names the case
            out = repr(e)
        if out == case["out"]:
            same += 1
        else:
            failed += 1
            print(f"{case['template']!r}\n  wanted {case['out']!r}\n  Jinja  {out!r}")
    print(f"{same} of {same + failed} cases give in Jinja what they give here")
    return 1 if failed or same < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
