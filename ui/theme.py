"""One calm look: system fonts, one accent colour, light and dark. Gradio's variables are set here, our own
parts are drawn by theme.css, the figures take their colours from ui/views/plots.py.
"""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

CSS = Path(__file__).with_name("theme.css")
ACCENT = colors.Color(
    *("#f0fdfa", "#ccfbf1", "#99f6e4", "#5eead4", "#2dd4bf", "#14b8a6"),
    *("#0d9488", "#0f766e", "#115e59", "#134e4a", "#042f2e"),
    name="accent",
)
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


#: Gradio's variables; `_dark` is the same one on a dark page
VARIABLES = {
    "body_background_fill": "#f6f8fa",
    "body_background_fill_dark": "#0e151d",
    "background_fill_primary_dark": "#141d27",
    "background_fill_secondary_dark": "#101820",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "#141d27",
    "block_border_color": "#d9e0e7",
    "block_border_color_dark": "#2a3644",
    "border_color_primary_dark": "#2a3644",
    "block_label_text_color": "*neutral_700",
    "block_label_text_color_dark": "*neutral_200",
    "block_title_text_weight": "600",
    "block_info_text_color": "#51606f",
    "block_info_text_color_dark": "#a6b3c1",
    "body_text_color": "#1b2733",
    "body_text_color_dark": "#e6ecf2",
    "body_text_color_subdued": "#51606f",
    "body_text_color_subdued_dark": "#a6b3c1",
    "input_background_fill": "#fbfcfd",
    "input_background_fill_dark": "#101820",
    "block_title_text_color": "#1b2733",
    "block_title_text_color_dark": "#e6ecf2",
    "color_accent": "*primary_700",
    "color_accent_soft_dark": "*primary_950",
    "checkbox_background_color_selected": "*primary_700",
    "checkbox_background_color_selected_dark": "*primary_600",
    "checkbox_border_color": "#6b7a89",
    "checkbox_border_color_dark": "#8b99a8",
    "checkbox_label_background_fill": "#ffffff",
    "checkbox_label_background_fill_dark": "#101820",
    "checkbox_label_background_fill_hover": "#eef3f6",
    "checkbox_label_background_fill_hover_dark": "#1b2632",
    "checkbox_label_border_width": "1px",
    "checkbox_label_border_color": "#8693a1",
    "checkbox_label_border_color_dark": "#566475",
    "slider_color": "*primary_700",
    "slider_color_dark": "*primary_500",
    "layout_gap": "16px",
    "form_gap_width": "0px",
    "input_border_width": "1px",
    "input_border_width_dark": "1px",
    "input_border_color": "#8693a1",
    "input_border_color_dark": "#566475",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_400",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_hover_dark": "*primary_800",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#ffffff",
    "button_secondary_background_fill": "#e8edf2",
    "button_secondary_background_fill_dark": "#223040",
    "button_secondary_background_fill_hover": "#d9e0e7",
    "button_secondary_background_fill_hover_dark": "#2d3d50",
    "button_secondary_text_color": "#1b2733",
    "button_secondary_text_color_dark": "#e6ecf2",
    "button_large_text_weight": "600",
}


def theme() -> gr.themes.Base:
    made = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_lg,
        spacing_size=sizes.spacing_lg,
        font=FONT,
        font_mono=MONO,
    )
    return made.set(**VARIABLES)
