"""Writes a rule file with many rules of three operators, a literal and two conditions.

    python3 bench/generated_rules.py 10000 > many.yaml
    time build/bin/rulecheck many.yaml

With `--alike` the literal is left out, so that many rules have the same pattern and many are unreachable.
"""

import sys

OPERATORS = ["relu", "sigmoid", "tanh", "exp", "neg", "abs"]


def rule(number: int, alike: bool) -> str:
    first, second, third = (OPERATORS[number // 6**i % 6] for i in range(3))
    last = "aten.neg.default(%c)" if alike else f"aten.add.Tensor(%c, {number})"
    return f"""\
  - name: rule-{number}
    doc: Generated.
    phase: generated
    match: |
      %a = aten.{first}.default(%x)
      %b = aten.{second}.default(%a)
      %c = aten.{third}.default(%b)
      %d = {last}
    where: |
      rank(%x) == {number % 5}
      users(%a) == 1
    rewrite: |
      %d = aten.relu.default(%x)
"""


def main() -> None:
    arguments = [a for a in sys.argv[1:] if a != "--alike"]
    print("qrules: 1\nphases: [{name: generated, strategy: fixpoint}]\nrules:")
    for number in range(int(arguments[0])):
        print(rule(number, "--alike" in sys.argv), end="")


main()
