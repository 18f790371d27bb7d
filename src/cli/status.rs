//! `status`: which release a place has, and how its objects are.

use std::{collections::BTreeMap, io, process::ExitCode};

use a4co_bundle::{ObjectRef, Overlay};
use a4co_cluster::{Condition, Head, Place, Situated, Situation, State, Stored};
use clap::Args;
use serde::Serialize;

use super::{
    global::{Format, GlobalArgs},
    output::{self, Style},
    problem::Problem,
    selection::SelectionArgs,
};

/// Show which release the cluster has, and whether its objects are ready and as released
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Show every object, not only those that are not well
    #[arg(long)]
    all: bool,
}

const UNRECORDED: &str = "nobody knows whether it is as released, for that is not recorded any more; apply its bundle again";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'static str,
    app: &'a str,
    namespace: &'a str,
    environment: &'a str,
    state: String,
    release: Option<String>,
    overlay: Option<String>,
    registries: Option<&'a BTreeMap<String, String>>,
    version: Option<String>,
    from: Option<String>,
    from_overlay: Option<String>,
    to: Option<String>,
    to_overlay: Option<String>,
    epoch: u64,
    objects: Vec<ShownObject<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownObject<'a> {
    object: &'a ObjectRef,
    condition: &'static str,
    why: Option<&'a str>,
}

impl StatusArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let situation = a4co_cluster::status(&client, &place).await?;
        match global.output {
            Format::Json => print_json(&place, &situation)?,
            Format::Text => {
                print_text(&place, &situation, self.all, Style::for_results(global.color))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_json(place: &Place, situation: &Situation) -> io::Result<()> {
    let Situation { head, overlay, version, objects, notes } = situation;
    let id = |stored: Option<Stored>| stored.map(|stored| stored.release.to_string());
    let site = |stored: Option<Stored>| stored?.overlay.map(|digest| digest.to_string());
    let (from, to) = under_way(head).unzip();
    output::print_json(&Shown {
        schema: 1,
        command: "status",
        app: &place.app,
        namespace: &place.namespace,
        environment: &head.environment,
        state: head.state.to_string(),
        release: id(head.committed),
        overlay: site(head.committed),
        registries: overlay.as_ref().map(Overlay::registries),
        version: version.as_ref().map(ToString::to_string),
        from: id(from.flatten()),
        from_overlay: site(from.flatten()),
        to: id(to.flatten()),
        to_overlay: site(to.flatten()),
        epoch: head.epoch,
        objects: objects
            .iter()
            .map(|Situated { object, condition }| {
                let (condition, why) = describe(condition);
                ShownObject { object, condition, why }
            })
            .collect(),
        notes,
    })
}

fn print_text(place: &Place, situation: &Situation, all: bool, style: Style) -> io::Result<()> {
    let Situation { head, overlay, version, objects, notes } = situation;
    let version = version.as_ref().map_or(String::new(), |version| format!(" ({version})"));
    output::print(&format!("app          {}", place.app))?;
    output::print(&format!("namespace    {}", place.namespace))?;
    output::print(&format!("environment  {}", head.environment))?;
    output::print(&format!("release      {}{version}", style.bold(&short(head.committed))))?;
    if let Some(overlay) = overlay {
        output::print(&format!("site overlay {}", overlay.digest().short()))?;
        for (host, registry) in overlay.registries() {
            output::print(&format!("  images of {host} come from {registry}"))?;
        }
    }
    output::print(&format!("state        {}", state(head.state)))?;
    if let Some((from, to)) = under_way(head) {
        output::print(&format!("under way    from {} to {}", short(from), short(to)))?;
    }
    let good = objects.iter().filter(|object| object.condition == Condition::Good).count();
    output::print(&format!("objects      {good} of {} as released and ready", objects.len()))?;
    for situated in objects {
        if all || situated.condition != Condition::Good {
            output::print(&line(situated, style))?;
        }
    }
    notes.iter().try_for_each(|note| output::print(note))
}

fn line(Situated { object, condition }: &Situated, style: Style) -> String {
    let (word, why) = describe(condition);
    let word = word.replace('-', " ");
    let word = if *condition == Condition::Good { style.green(&word) } else { style.red(&word) };
    let why = why.map_or(String::new(), |why| format!(": {}", output::one_line(why)));
    format!("  {object} {word}{why}")
}

/// Returns the releases between which the cluster is.
fn under_way(head: &Head) -> Option<(Option<Stored>, Option<Stored>)> {
    (head.state != State::Idle).then_some((head.from, head.to))
}

fn short(stored: Option<Stored>) -> String {
    stored.map_or("none".to_owned(), |stored| stored.edition().short())
}

fn state(state: State) -> String {
    match state {
        State::Idle => "idle".to_owned(),
        State::Stuck => {
            "stuck: going back to the old release failed; `a4co-apply recover` tries again"
                .to_owned()
        }
        _ => format!(
            "{state}: a command is at work, or was killed; the next one finishes that, \
             or `a4co-apply recover`"
        ),
    }
}

fn describe(condition: &Condition) -> (&'static str, Option<&str>) {
    match condition {
        Condition::Good => ("good", None),
        Condition::NotReady(why) => ("not-ready", Some(why)),
        Condition::Drifted => ("drifted", None),
        Condition::Missing => ("missing", None),
        Condition::Unknown => ("unknown", Some(UNRECORDED)),
    }
}
