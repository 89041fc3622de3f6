"""Colors are readable whatever the background is."""

import pytest

from partway.cli.text import palette

NUMBERS = {name: value for name, value in vars(palette).items() if name.endswith("_NUMBER")}
STEPS = (0, 95, 135, 175, 215, 255)  # of each primary color in the cube of the 256 colors


def luminance(number: int) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    if number >= 232:
        levels = [8 + (number - 232) * 10] * 3
    else:
        levels = [STEPS[(number - 16) // 36], STEPS[(number - 16) // 6 % 6], STEPS[(number - 16) % 6]]
    red, green, blue = (((each / 255 + 0.055) / 1.055) ** 2.4 if each > 10 else each / 255 / 12.92 for each in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", NUMBERS)
def test_contrast_with_black_and_white(name: str) -> None:
    """3.8 or more with both; yellow on white has 1.1, and blue on black 2.4."""
    light = luminance(NUMBERS[name])

    assert (light + 0.05) / 0.05 >= 3.8
    assert 1.05 / (light + 0.05) >= 3.8
