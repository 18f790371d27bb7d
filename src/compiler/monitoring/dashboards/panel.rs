//! Dashboards in Grafana's own form, as far as it is used here.

use serde::Serialize;

use super::super::grafana::METRICS;

/// Width of a dashboard, in Grafana's units.
const WIDTH: u32 = 24;

/// Width and height of a panel.
const PANEL: (u32, u32) = (12, 8);

/// Name of the variable that chooses components.
const VARIABLE: &str = "component";

/// A dashboard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dashboard {
    pub(super) uid: &'static str,
    title: &'static str,
    tags: [&'static str; 1],
    timezone: &'static str,
    schema_version: u32,
    editable: bool,
    refresh: &'static str,
    time: Time,
    templating: Templating,
    panels: Vec<Drawn>,
}

#[derive(Serialize)]
struct Time {
    from: &'static str,
    to: &'static str,
}

#[derive(Serialize)]
struct Templating {
    list: [Variable; 1],
}

/// A choice of components; several are one regular expression.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: &'static str,
    label: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    query: String,
    multi: bool,
    include_all: bool,
    options: Vec<Choice>,
    current: Choice,
}

#[derive(Serialize)]
struct Choice {
    text: String,
    value: String,
    selected: bool,
}

/// A panel: lines over time.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// Unit in Grafana's words.
    pub(super) unit: &'static str,
    /// Expressions, each with the name of its lines. `$all` stands for the matchers of the chosen
    /// components.
    pub(super) lines: Vec<(String, &'static str)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drawn {
    id: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    datasource: Source,
    grid_pos: Position,
    field_config: Fields,
    options: Options,
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Serialize)]
struct Source {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'static str,
}

#[derive(Serialize)]
struct Position {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

#[derive(Serialize)]
struct Fields {
    defaults: Defaults,
    overrides: [(); 0],
}

#[derive(Serialize)]
struct Defaults {
    unit: &'static str,
    min: u32,
}

#[derive(Serialize)]
struct Options {
    legend: Legend,
    tooltip: Tooltip,
}

#[derive(Serialize)]
struct Legend {
    #[serde(rename = "displayMode")]
    mode: &'static str,
    placement: &'static str,
    #[serde(rename = "showLegend")]
    is_shown: bool,
}

#[derive(Serialize)]
struct Tooltip {
    mode: &'static str,
    sort: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    ref_id: String,
    datasource: Source,
    expr: String,
    legend_format: &'static str,
}

const SOURCE: Source = Source { kind: "prometheus", uid: METRICS };

impl Panel {
    /// Draws one expression.
    pub(super) fn new(
        title: &'static str,
        unit: &'static str,
        expr: impl Into<String>,
        legend: &'static str,
    ) -> Self {
        Self { title, unit, lines: vec![(expr.into(), legend)] }
    }

    /// Draws another expression too.
    pub(super) fn and(mut self, expr: impl Into<String>, legend: &'static str) -> Self {
        self.lines.push((expr.into(), legend));
        self
    }
}

impl Dashboard {
    /// Puts `panels` about the components called `names`, which run in `namespace`, in two columns.
    pub(super) fn new(
        uid: &'static str,
        title: &'static str,
        namespace: &str,
        names: &[&str],
        panels: Vec<Panel>,
    ) -> Self {
        let matchers = format!("namespace=\"{namespace}\",job=~\"${VARIABLE}\"");
        let draw = |(position, panel)| drawn(position, panel, &matchers);
        Self {
            uid,
            title,
            tags: ["release"],
            timezone: "browser",
            schema_version: 39,
            editable: false,
            refresh: "30s",
            time: Time { from: "now-1h", to: "now" },
            templating: Templating { list: [variable(names)] },
            panels: panels.into_iter().enumerate().map(draw).collect(),
        }
    }
}

fn variable(names: &[&str]) -> Variable {
    let choice = |text: &str, value: &str, selected| Choice {
        text: text.to_owned(),
        value: value.to_owned(),
        selected,
    };
    let each = names.iter().map(|name| choice(name, name, false));
    Variable {
        name: VARIABLE,
        label: "Component",
        kind: "custom",
        query: names.join(","),
        multi: true,
        include_all: true,
        options: [choice("All", "$__all", true)].into_iter().chain(each).collect(),
        current: choice("All", "$__all", true),
    }
}

fn drawn(position: usize, panel: Panel, matchers: &str) -> Drawn {
    let (w, h) = PANEL;
    let columns = WIDTH / w;
    let place = u32::try_from(position).unwrap_or(u32::MAX);
    let target = |(number, (expr, legend_format)): (usize, (String, &'static str))| Target {
        ref_id: format!("Q{number}"),
        datasource: SOURCE,
        expr: expr.replace("$all", matchers),
        legend_format,
    };
    Drawn {
        id: position + 1,
        kind: "timeseries",
        title: panel.title,
        datasource: SOURCE,
        grid_pos: Position { x: place % columns * w, y: place / columns * h, w, h },
        field_config: Fields { defaults: Defaults { unit: panel.unit, min: 0 }, overrides: [] },
        options: Options {
            legend: Legend { mode: "list", placement: "bottom", is_shown: true },
            tooltip: Tooltip { mode: "multi", sort: "desc" },
        },
        targets: panel.lines.into_iter().enumerate().map(target).collect(),
    }
}
