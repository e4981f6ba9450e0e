"""Text in layers that are switched off."""

import ctypes
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium_c

_LONGEST_SIDE = 400
_MAX_LAYERS = 20
_MAX_OBJECTS = 20_000
_MAX_DEPTH = 3
_INVISIBLE = pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE


def hide_layers(page: Any, *, forms: bool = False) -> int:
    """Take objects of layers that are not shown out of a page, until it is closed.

    A layer is not shown when the picture of the page is the same without it.

    Args:
        page: The open page.
        forms: Whether a form of the document may be a layer as a whole.

    Returns:
        How many objects were taken out.
    """
    layers = _layers(page, forms=forms)
    if not layers or len(layers) > _MAX_LAYERS:
        return 0
    hidden = 0
    whole = _picture(page)
    for shapes in layers:
        for shape in shapes:
            pdfium_c.FPDFPageObj_SetIsActive(shape, False)
        if _picture(page) == whole:
            hidden += len(shapes)
        else:
            for shape in shapes:
                pdfium_c.FPDFPageObj_SetIsActive(shape, True)
    return hidden


def _layers(page: Any, *, forms: bool) -> list[list[Any]]:
    """Objects with text, by each use of a layer; by the layers' names where the uses are many."""
    by_use: dict[int, list[Any]] = defaultdict(list)
    by_name: dict[int, list[Any]] = defaultdict(list)
    for shape in _shapes(page):
        is_form = pdfium_c.FPDFPageObj_GetType(shape) == pdfium_c.FPDF_PAGEOBJ_FORM
        if is_form and forms and _holds_shown_text(shape):
            key = ctypes.cast(shape, ctypes.c_void_p).value or 0
            by_use[key].append(shape)
            by_name[key].append(shape)
        for mark in range(pdfium_c.FPDFPageObj_CountMarks(shape)):
            handle = pdfium_c.FPDFPageObj_GetMark(shape, mark)
            if _is_layer(handle) and (
                _holds_shown_text(shape) if is_form else _is_shown_text(shape)
            ):
                by_use[ctypes.cast(handle, ctypes.c_void_p).value or 0].append(shape)
                by_name[_name_of(handle)].append(shape)
                break
    return list((by_use if len(by_use) <= _MAX_LAYERS else by_name).values())


def _shapes(page: Any) -> Iterator[Any]:
    """Objects of a page, each form before those that it holds."""
    count = pdfium_c.FPDFPage_CountObjects(page.raw)
    waiting = [(pdfium_c.FPDFPage_GetObject(page.raw, at), 0) for at in reversed(range(count))]
    seen = 0
    while waiting and seen < _MAX_OBJECTS:
        shape, depth = waiting.pop()
        seen += 1
        yield shape
        if depth < _MAX_DEPTH and (
            pdfium_c.FPDFPageObj_GetType(shape) == pdfium_c.FPDF_PAGEOBJ_FORM
        ):
            inner = pdfium_c.FPDFFormObj_CountObjects(shape)
            waiting += [
                (pdfium_c.FPDFFormObj_GetObject(shape, at), depth + 1)
                for at in reversed(range(inner))
            ]


def _holds_shown_text(form: Any) -> bool:
    """Whether a form holds text, and none that is invisible, such as recognized text."""
    found = False
    for at in range(min(pdfium_c.FPDFFormObj_CountObjects(form), _MAX_OBJECTS)):
        shape = pdfium_c.FPDFFormObj_GetObject(form, at)
        if pdfium_c.FPDFPageObj_GetType(shape) == pdfium_c.FPDF_PAGEOBJ_TEXT:
            if not _is_shown_text(shape):
                return False
            found = True
    return found


def _is_layer(mark: Any) -> bool:
    name = ctypes.create_string_buffer(32)
    length = ctypes.c_ulong()
    found = pdfium_c.FPDFPageObjMark_GetName(
        mark, ctypes.cast(name, ctypes.POINTER(ctypes.c_ushort)), 32, ctypes.byref(length)
    )
    return bool(found) and name.raw[: max(0, length.value - 2)].decode("utf-16-le") == "OC"


def _name_of(handle: Any) -> int:
    """Tell layers apart by the parameters of their marks."""
    text = ctypes.create_string_buffer(256)
    length = ctypes.c_ulong()
    pdfium_c.FPDFPageObjMark_GetParamStringValue(
        handle,
        b"Name",
        ctypes.cast(text, ctypes.POINTER(ctypes.c_ushort)),
        256,
        ctypes.byref(length),
    )
    return hash(text.raw[: length.value])


def _is_shown_text(shape: Any) -> bool:
    return bool(
        pdfium_c.FPDFPageObj_GetType(shape) == pdfium_c.FPDF_PAGEOBJ_TEXT
        and pdfium_c.FPDFTextObj_GetTextRenderMode(shape) != _INVISIBLE
    )


def _picture(page: Any) -> bytes:
    scale = _LONGEST_SIDE / max(1.0, page.get_width(), page.get_height())
    bitmap = page.render(scale=min(1.0, scale), grayscale=True)
    try:
        return hashlib.sha256(bytes(bitmap.buffer)).digest()
    finally:
        bitmap.close()
