"""What the problem pages need beside a code's template is written down for every code."""

from __future__ import annotations

from collections import Counter
from string import Formatter

from app.api.http import problem_causes
from app.foundation.problems import ProblemCode

WHERE = "app/api/http/problem_causes.py"


def blanks(code):
    template = code.template
    texts = [template.message, *(step.text for step in template.remediation)]
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_every_problem_code_says_why_it_comes_about():
    written = Counter(code for codes in problem_causes.CAUSES.values() for code in codes)
    missing = [str(code) for code in ProblemCode if code not in written]
    assert not missing, (
        f"write into CAUSES of {WHERE}, in the group that fits, why these come about: {missing}"
    )
    twice = [str(code) for code, times in written.items() if times > 1]
    assert not twice, f"these stand in CAUSES of {WHERE} more than once: {twice}"


def test_every_name_in_a_template_has_a_sample():
    missing = [
        f"{{{name}}} of {code}"
        for code in ProblemCode
        for name in blanks(code) - problem_causes.SAMPLES.keys()
    ]
    assert not missing, (
        f"write into SAMPLES of {WHERE} what may stand there on the page of a problem: {missing}"
    )
