"""Licences as people spell them: what is open counts as open, and nothing else does."""

import pytest

from klangbild.models.bars.data.licence_names import KINDS, admitted, is_open, kind_of


@pytest.mark.parametrize(
    "licence",
    [
        "Public Domain", "public domain", "PD", "Public Domain (USA)", "public domain mark 1.0", "CC-PDM",
        "CC0", "CC0-1.0", "CC0 1.0 Universal", "Creative Commons Zero v1.0 Universal",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "https://creativecommons.org/publicdomain/zero/1.0/",
        "https://creativecommons.org/publicdomain/mark/1.0/", "CC BY 2.5", "CC BY 3.0", "CC-BY-4.0", "CC_BY", "CC BY 3.0 DE",
        "Creative Commons Attribution 4.0 International License", "Attribution 4.0 International", "ccby4.0",
        "http://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by/4.0/legalcode", "ODC-By-1.0",
        "BSD-3-Clause", "BSD", "BSD 2-Clause License", "3-Clause BSD", "New BSD License", "0BSD", "MIT", "The MIT License", "MIT-0",
        "Zlib", "zlib/libpng", "The Unlicense", "Apache License, Version 2.0", "Boost Software License 1.0", "ISC", "WTFPL",
        "MIT OR GPL-2.0-or-later", "CC0 and CC BY 4.0",
    ],
)  # fmt: skip
def test_open(licence):
    assert kind_of(licence) == "open" and is_open(licence) and admitted(licence, "open")


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("CC BY-SA DE", "share-alike"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "share-alike"),
        ("Creative Commons Attribution, Share Alike 3.0", "share-alike"),
        ("ODbL", "share-alike"),
        ("CC BY-NC-SA 4.0", "non-commercial"),
        ("Creative Commons Attribution-NonCommercial", "non-commercial"),
        ("CC BY + CC BY-NC", "non-commercial"),
        ("https://creativecommons.org/licenses/by-nc/4.0", "non-commercial"),
        ("CC BY-ND", "no-derivatives"),
        ("GPL-2.0", "copyleft"),
        ("GNU Lesser General Public License v3", "copyleft"),
        ("MIT AND GPL-2.0", "copyleft"),
        ("Artistic-2.0", "conditions"),
        ("all rights reserved", "reserved"),
        ("unstated", "unstated"),
        ("unstated (collection CC BY-NC-SA)", "unstated"),
        ("", "unstated"),
        ("Unlicensed", "unstated"),
        ("BSL-1.1", "unknown"),
        ("not public domain", "unknown"),
        ("royalty free", "unknown"),
        ("MIT on arrangements of songs in copyright", "unknown"),
        ("CC BY 4.0 with restrictions", "unknown"),
    ],
)
def test_not_open(licence, kind):
    assert kind_of(licence) == kind and kind in KINDS
    assert not is_open(licence) and not admitted(licence, "open")
    assert admitted(licence, "all") and admitted(licence, "share-alike") == (kind == "share-alike")
