"""For hosts of demos (a container Space): `python app.py` serves the page on all addresses, port 7860 or $PORT."""

from __future__ import annotations

import os

from klangbild.web.app import Options, make_app

app = make_app(Options(local=False))

if __name__ == "__main__":
    import uvicorn

    from klangbild.web.connections import Connection

    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "7860")), log_level="warning", http=Connection)
