"""The demo page of this metric as a Hub Space."""

import evaluate
from evaluate.utils import launch_gradio_widget

launch_gradio_widget(evaluate.load("gradient_similarity.py"))
