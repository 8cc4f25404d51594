from __future__ import annotations

import sys
from pathlib import Path

# the pieces that the sound tests are made of
sys.path.insert(0, str(Path(__file__).parent.parent / "sound"))
