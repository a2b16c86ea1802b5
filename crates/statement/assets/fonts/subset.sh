#!/bin/sh
# Makes the fonts beside this file from Debian's fonts-noto-cjk: simplified
# Chinese of GB 2312, with its punctuation and letters, and Latin with accents.
# Needs Python 3 with fonttools 4.
#
#   sh crates/statement/assets/fonts/subset.sh
set -eu
cd "$(dirname "$0")"
from=/usr/share/fonts/opentype/noto
characters=$(mktemp)
trap 'rm -f "$characters"' EXIT
python3 - >"$characters" <<'PYTHON'
import sys
pairs = ([row, cell] for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
chinese = (bytes(pair).decode("gb2312", "ignore") for pair in pairs)
latin = map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180)])
more = "–—‘’“”„…‰†•€₩₹×÷≤≥≠−→←↑↓✓✗■□●○"
sys.stdout.buffer.write("".join([*chinese, *latin, more]).encode())
PYTHON
for weight in Regular Bold; do
    # The third font of the collection is that of mainland China.
    python3 -m fontTools.subset "$from/NotoSansCJK-$weight.ttc" --font-number=2 \
        --text-file="$characters" --output-file="NotoSansCJKsc-$weight.subset.otf" \
        --layout-features='kern,mark,mkmk,ccmp' \
        --no-hinting --name-IDs='*' --drop-tables+=vhea,vmtx,VORG
done
