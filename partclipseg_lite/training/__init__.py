"""From a picture to a step: prompts, examples, the sum of Eq. 10, the loop and its checkpoints."""
