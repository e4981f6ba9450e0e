"""Files of kinds that are hard to read: a table, a scan, a mail with an attachment, Japanese."""

from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pypdfium2
from reportlab.lib.pagesizes import A5
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

QUESTIONS = (
    "Which ferry leaves Nordvik at 19:45?",
    "Who received the barrels of lamp oil?",
    "Which rope does the pilot boat need?",
    "潮位表は誰が発行しますか",
)
"""Each is answered by one of the files, in the order of ``write_harbour_files``."""

_TIMETABLE = (
    ("Ferry", "Leaves Nordvik", "Arrives in Sandholm", "Days"),
    ("Kittiwake", "07:10", "08:25", "Monday to Friday"),
    ("Fulmar", "12:30", "13:45", "every day"),
    ("Guillemot", "19:45", "21:00", "Saturday and Sunday"),
)
_DELIVERY_NOTE = (
    "Delivery note 4471",
    "Nordvik lighthouse, 14 March 1931",
    "Twelve barrels of lamp oil were landed",
    "at the north pier and counted twice.",
    "Received by the keeper, Solveig Aasen.",
)
_JAPANESE = ("港の案内", "潮位表は毎年港湾局が発行します。", "入港は日の出から日没までです。")
_SCAN_DPI = 150


def write_harbour_files(target: Path) -> list[Path]:
    """Write the files to a folder that is there."""
    writers: dict[str, Callable[[], bytes]] = {
        "ferry timetable.pdf": _table,
        "delivery note (scan).pdf": _scan,
        "order for the pilot boat.eml": _mail,
        "annai.pdf": _japanese,
    }
    written = []
    for name, write in writers.items():
        path = target / name
        path.write_bytes(write())
        written.append(path)
    return written


def _page(draw: Callable[[Canvas], None]) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=1)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _table() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(40, 540, "Ferries from Nordvik, winter timetable")
        canvas.setFont("Helvetica", 9)
        for row, cells in enumerate(_TIMETABLE):
            for column, cell in enumerate(cells):
                canvas.drawString(40 + 92 * column, 500 - 18 * row, cell)

    return _page(draw)


def _scan() -> bytes:
    """A page that is a picture of a typed page."""

    def typed(canvas: Canvas) -> None:
        canvas.setFont("Courier", 12)
        for row, line in enumerate(_DELIVERY_NOTE):
            canvas.drawString(50, 500 - 24 * row, line)

    with pypdfium2.PdfDocument(_page(typed)) as document:
        picture = document[0].render(scale=_SCAN_DPI / 72, grayscale=True).to_pil()
    return _page(lambda canvas: canvas.drawImage(ImageReader(picture), 0, 0, *A5))


def _mail() -> bytes:
    message = EmailMessage()
    message["From"] = "Harbour office <office@nordvik.example>"
    message["To"] = "Chandler <orders@chandler.example>"
    message["Subject"] = "Order for the pilot boat"
    message["Date"] = "Mon, 02 Nov 2026 09:00:00 +0100"
    message.set_content("Good morning. The list is attached. Please deliver before Friday.\n")
    message.add_attachment(
        "Order 88\nThe pilot boat needs 40 m of hemp rope, 24 mm thick.\nAnd two brass lanterns.\n",
        filename="order-88.txt",
    )
    return message.as_bytes()


def _japanese() -> bytes:
    """A page in a font that the file names and does not contain."""
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("HeiseiMin-W3", 14)
        for row, line in enumerate(_JAPANESE):
            canvas.drawString(40, 540 - 26 * row, line)

    return _page(draw)
