"""How many people a figure must rest on before it is shown: below, one could tell who said what."""

MIN_GROUP = 10  # people measured: levels, shares, gains (decision 0013)
MIN_REPLIES = 5  # replies to an anonymous questionnaire
