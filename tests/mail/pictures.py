"""Pictures of the shipped templates, for docs/pictures. Run by hand; needs chromium and pngquant.

python tests/mail/pictures.py [NAME…]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from relance_addon.core.program import Program, Step, Trigger
from relance_addon.mail.library import Library, shipped
from relance_addon.mail.render import Renderer
from relance_addon.mail.sample import TODAY, messages

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
WIDTHS = {"wide": 800, "narrow": 360}
SAMPLES = {"courtesy": ("one",), "statement": ("several",)}
ONE, COMING, SEVERAL = range(3)


def pages(language: str) -> dict[str, str]:
    """HTML of every template by the name of its picture."""
    renderer = Renderer(Library(shipped()), language)
    found = {}
    for name in renderer.library.names():
        step = Step(name="x", trigger=Trigger.model_validate({"after_due": 3}), template=name, payment_link=True)
        samples = messages(Program(name="x", steps=(step,)), 1, language)
        for size in SAMPLES.get(name, ("one", "several")):
            message = samples[SEVERAL if size == "several" else COMING if name == "courtesy" else ONE]
            found[f"{name}-{size}"] = renderer.render(message, TODAY, {}).html
    decision = samples[SEVERAL].decisions[-1]
    found["schedule-one"] = renderer.schedule(decision, language, TODAY)[2].decode()
    return found


def height(html: Path, width: int) -> int:
    """Pixels that a page is high at a width, as a script in it says."""
    probe = html.with_suffix(".probe.html")
    said = "<script>TITLE=document.documentElement.offsetHeight+' '+document.documentElement.scrollWidth</script>"
    # A frame, because a window is never narrower than 500 pixels.
    frame = f'<iframe src="{html.name}" style="border:0;width:{width}px;height:100px"></iframe>'
    html.write_text(html.read_text() + said.replace("TITLE", "parent.document.title"))
    probe.write_text(f"<!DOCTYPE html><title></title>{frame}")
    command = [*CHROMIUM, "--allow-file-access-from-files", "--disable-web-security", "--dump-dom", probe.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    title = dom.partition("<title>")[2].partition("</title>")[0]
    tall, broad = title.split()
    if int(broad) > width:
        print(f"{html.name}: {broad} pixels wide at {width}")
    return int(tall)


def main(only: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, html in pages("fr").items():
            if only and name.split("-")[0] not in only:
                continue
            for size, width in WIDTHS.items():
                page = Path(folder) / f"{name}-{size}.html"
                page.write_text(html)
                tall = height(page, width) + 8
                frame = Path(folder) / "frame.html"
                frame.write_text(
                    f'<!DOCTYPE html><style>body{{margin:0;background:#fff}}</style><iframe src="{page.name}" '
                    f'style="border:0;display:block;width:{width}px;height:{tall}px"></iframe>'
                )
                picture = FOLDER / f"{page.stem}.png"
                shot = f"--screenshot={picture}"
                command = [*CHROMIUM, shot, f"--window-size={width},{tall}", frame.as_uri()]
                subprocess.run(command, capture_output=True, check=True)
                subprocess.run(["pngquant", "--force", "--strip", "--output", picture, "16", picture], check=True)
                print(picture.relative_to(ROOT), picture.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1:])
