"""What every chart has in common, checked by plotly once and handed to browsers as JSON.

Only here is plotly imported: requests carry columns of numbers, which cost a hundredth of a figure.
Colours are not in it: the browser takes them from the theme.
"""

from typing import Any

import plotly.graph_objects as go

CONFIG = {
    "displayModeBar": False,
    "showSendToCloud": False,
    "showTips": False,
    "scrollZoom": False,
    "doubleClick": False,
    "responsive": False,
}


def template() -> dict[str, Any]:
    """Layout, trace, target line and event shapes; plotly raises ValueError for a property it does not know."""
    figure = go.Figure(data=[_trace()], layout=_layout())
    shapes = go.Layout(shapes=[_target_line(), _moment(), _stretch()]).to_plotly_json()["shapes"]
    drawn = figure.to_plotly_json()
    return {
        "layout": {**drawn["layout"], "template": None},
        "trace": drawn["data"][0],
        "target": shapes[0],
        "moment": shapes[1],
        "stretch": shapes[2],
        "config": CONFIG,
    }


def _trace() -> go.Scatter:
    return go.Scatter(mode="lines", connectgaps=False, hoverinfo="none", line={"width": 1.75, "shape": "linear"})


def _layout() -> go.Layout:
    return go.Layout(
        height=208,
        margin={"l": 56, "r": 14, "t": 20, "b": 28},
        showlegend=False,
        hovermode="x",
        hoverdistance=-1,
        dragmode="zoom",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "Inter,system-ui,sans-serif", "size": 11},
        xaxis={
            "type": "date",
            "showgrid": False,
            "zeroline": False,
            "nticks": 7,
            "showspikes": False,
            "ticks": "",
            # Else the first time lies upon the axis' zero.
            "ticklabelstandoff": 4,
            "tickformatstops": [
                {"dtickrange": [None, 60000], "value": "%H:%M:%S"},
                {"dtickrange": [60000, 86400000], "value": "%H:%M"},
                {"dtickrange": [86400000, None], "value": "%-d %b"},
            ],
        },
        yaxis={"zeroline": False, "nticks": 5, "fixedrange": True, "ticks": ""},
    )


def _target_line() -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "layer": "above",
        "line": {"width": 1, "dash": "4px,3px"},
    }


def _moment() -> dict[str, Any]:
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1, "dash": "1px,3px"}}


def _stretch() -> dict[str, Any]:
    return {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
