"""From a picture and words to masks, in bounded memory."""
