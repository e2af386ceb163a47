"""Print the command that README.md promises, so that CI runs what a reader would type.

Run ``python .ci/readme_command.py run`` (or ``test``). The command is the one ``bash`` block that
follows the comment ``<!-- ci: run -->``.
"""

import re
import sys
from pathlib import Path


def main() -> int:
    """Print the command, or say that the README has lost it."""
    name = sys.argv[1]
    readme = Path(__file__).resolve().parents[1] / "README.md"
    pattern = rf"<!-- ci: {re.escape(name)} -->\s*```bash\n(.+?)\n```"
    found = re.findall(pattern, readme.read_text(encoding="utf-8"), re.DOTALL)
    if len(found) != 1:
        print(f"README.md has {len(found)} bash blocks after <!-- ci: {name} -->", file=sys.stderr)
        return 1
    print(found[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
