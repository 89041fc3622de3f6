"""Colors that can be read on black and on white: the contrast of each with both is 3.8 or more.

They are among the 256 colors; rich takes the nearest one of a terminal that has fewer.
https://www.w3.org/TR/WCAG21/#contrast-ratio
"""

GREEN_NUMBER, AMBER_NUMBER, BLUE_NUMBER, RED_NUMBER, GREY_NUMBER = 28, 130, 31, 160, 243

GREEN = f"color({GREEN_NUMBER})"
AMBER = f"color({AMBER_NUMBER})"
BLUE = f"color({BLUE_NUMBER})"
RED = f"color({RED_NUMBER})"
GREY = f"color({GREY_NUMBER})"
