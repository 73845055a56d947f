"""Write the rules of deploy/prometheus as the Prometheus operator takes them.

.venv/bin/python -m tests.deploy.prometheus_rule
"""

import textwrap

from tests.deploy.manifests import FOLDER
from tests.deploy.rules import RULE_FILES

FILE = FOLDER / "monitoring" / "rules.yaml"
_HEAD = """\
# Made from deploy/prometheus by `python -m tests.deploy.prometheus_rule`: change the rules there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: heyday
  namespace: heyday
spec:
  groups:
"""


def manifest() -> str:
    """Return the manifest: the groups of each file to the letter, below one another."""
    texts = [path.read_text("utf-8").partition("\ngroups:\n")[2] for path in RULE_FILES]
    return _HEAD + "".join(textwrap.indent(text, "  ") for text in texts)


if __name__ == "__main__":
    FILE.write_text(manifest(), "utf-8")
