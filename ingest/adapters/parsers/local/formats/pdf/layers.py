"""Text in layers that are switched off."""

import ctypes
import hashlib
from collections import defaultdict
from typing import Any

import pypdfium2.raw as pdfium_c

_LONGEST_SIDE = 400
_MAX_LAYERS = 20
_MAX_OBJECTS = 20_000
_INVISIBLE = 3


def hide_layers(page: Any) -> int:
    """Take objects of layers that are not shown out of a page, until it is closed.

    A layer is not shown when the picture of the page is the same without it.

    Returns:
        How many objects were taken out.
    """
    layers: dict[int, list[Any]] = defaultdict(list)
    for index in range(min(pdfium_c.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)):
        shape = pdfium_c.FPDFPage_GetObject(page.raw, index)
        for mark in range(pdfium_c.FPDFPageObj_CountMarks(shape)):
            if _is_layer(pdfium_c.FPDFPageObj_GetMark(shape, mark)) and _is_shown_text(shape):
                layers[_name_of(shape, mark)].append(shape)
                break
    if not layers or len(layers) > _MAX_LAYERS:
        return 0
    hidden = 0
    whole = _picture(page)
    for shapes in layers.values():
        for shape in shapes:
            pdfium_c.FPDFPageObj_SetIsActive(shape, False)
        if _picture(page) == whole:
            hidden += len(shapes)
        else:
            for shape in shapes:
                pdfium_c.FPDFPageObj_SetIsActive(shape, True)
    return hidden


def _is_layer(mark: Any) -> bool:
    name = ctypes.create_string_buffer(32)
    length = ctypes.c_ulong()
    found = pdfium_c.FPDFPageObjMark_GetName(
        mark, ctypes.cast(name, ctypes.POINTER(ctypes.c_ushort)), 32, ctypes.byref(length)
    )
    return bool(found) and name.raw[: max(0, length.value - 2)].decode("utf-16-le") == "OC"


def _name_of(shape: Any, mark: int) -> int:
    """Tell layers apart by their parameters."""
    handle = pdfium_c.FPDFPageObj_GetMark(shape, mark)
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
