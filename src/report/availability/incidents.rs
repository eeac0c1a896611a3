//! `authority_incidents`: runs of windows in which an authority was not online, and what its provider said of them.
//!
//! 1. A **run** goes from one window that is not online to the next, as long as no online window lies between and no more
//!    than [`BRIDGED_WINDOWS`] without evidence do.
//! 2. At both ends windows are left out while they lost less than half of the share that the run as a whole lost: one lost
//!    lookup before an outage is not its beginning.
//! 3. The run is an **incident** if at least [`LEAST_LOST`] lookups were lost in it and the upper Wilson bound of its
//!    availability, at [`STRICT_Z`], is below the boundary of `online`. Otherwise it is chance, or too little to say.

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::{Authority, authority_columns, by_authority, integers, optional, ratio};
use crate::error::Result;
use crate::report::Scope;
use crate::report::days::{WINDOW_MINUTES, WINDOW_US, window_range};
use crate::stats::wilson_at;

/// As many windows in a row (two hours) may be without evidence inside a run; of a longer silence nobody can say.
pub const BRIDGED_WINDOWS: i64 = 12;
/// Fewer lost lookups are no incident, whatever their share.
pub const LEAST_LOST: i64 = 5;
/// Normal deviate of the bound that a run has to keep: one-sided 3 in 10 million, since every window is looked at.
pub const STRICT_Z: f64 = 5.0;
/// What a provider declares so long before the beginning or after the end belongs to the incident.
pub const DECLARED_MARGIN_US: i64 = 60 * 60_000_000;

/// A window that was looked up and not online.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    pub window: i64,
    pub answered: i64,
    pub unavailable: i64,
    pub ambiguous: i64,
    pub all_async: bool,
    /// The latest online window before it.
    pub online_before: Option<i64>,
}

impl Trouble {
    fn asked(&self) -> i64 {
        self.answered + self.unavailable
    }
}

/// One incident of one authority.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Its first window.
    pub first: i64,
    /// Its last window.
    pub last: i64,
    /// Windows between without a lookup that was answered or unavailable.
    pub no_data: i64,
    /// The lowest availability of one window.
    pub lowest: f64,
    /// Lookups that were answered or lost.
    pub asked: i64,
    pub lost: i64,
    pub ambiguous: i64,
    pub async_only: bool,
    /// Nothing is known of the authority after it.
    pub still_open: bool,
}

impl Incident {
    /// Length in windows.
    pub fn windows(&self) -> i64 {
        self.last - self.first + 1
    }
}

/// The incidents of one authority, from its windows that were not online in the order of time.
pub fn incidents(troubles: &[Trouble], last_evidence: Option<i64>, online_from: f64) -> Vec<Incident> {
    let evidence: Vec<Trouble> = troubles.iter().filter(|window| window.asked() > 0).copied().collect();
    let runs = evidence.chunk_by(|before, next| {
        let is_parted = next.online_before.is_some_and(|online| online > before.window);
        !is_parted && next.window - before.window - 1 <= BRIDGED_WINDOWS
    });
    let cores = runs.map(core).filter(|run| is_incident(run, online_from));
    cores.map(|run| incident(run, troubles, last_evidence)).collect()
}

/// Lookups asked and lost in a run.
fn pooled(run: &[Trouble]) -> (i64, i64) {
    (run.iter().map(Trouble::asked).sum(), run.iter().map(|window| window.unavailable).sum())
}

/// The run without what hardly failed at its ends.
fn core(run: &[Trouble]) -> &[Trouble] {
    let (asked, lost) = pooled(run);
    let failed = |window: &Trouble| {
        2 * i128::from(window.unavailable) * i128::from(asked) >= i128::from(lost) * i128::from(window.asked())
    };
    let first = run.iter().position(failed).unwrap_or(0);
    let last = run.iter().rposition(failed).unwrap_or(run.len() - 1);
    &run[first..=last]
}

fn is_incident(run: &[Trouble], online_from: f64) -> bool {
    let (asked, lost) = pooled(run);
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let bounds = wilson_at(count(asked - lost), count(asked), STRICT_Z);
    lost >= LEAST_LOST && bounds.is_some_and(|(_, high)| high < online_from)
}

fn incident(run: &[Trouble], troubles: &[Trouble], last_evidence: Option<i64>) -> Incident {
    let (first, last) = (run[0].window, run[run.len() - 1].window);
    let (asked, lost) = pooled(run);
    // With the windows that only have ambiguous lookups.
    let start = troubles.partition_point(|window| window.window < first);
    let end = troubles.partition_point(|window| window.window <= last);
    let rates = run.iter().filter_map(|window| ratio(window.answered, window.asked()));
    Incident {
        first,
        last,
        no_data: last - first + 1 - i64::try_from(run.len()).unwrap_or(0),
        lowest: rates.fold(1.0, f64::min),
        asked,
        lost,
        ambiguous: troubles[start..end].iter().map(|window| window.ambiguous).sum(),
        async_only: troubles[start..end].iter().all(|window| window.all_async),
        still_open: last_evidence.is_none_or(|evidence| evidence <= last),
    }
}

/// A check at which the provider declared the authority not online.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    pub at_us: i64,
    pub is_offline: bool,
}

/// The first declaration that belongs to an incident, and the worst level of all that do.
pub fn declared(incident: &Incident, declared: &[Declared]) -> Option<(i64, &'static str)> {
    let from = incident.first * WINDOW_US - DECLARED_MARGIN_US;
    let to = (incident.last + 1) * WINDOW_US + DECLARED_MARGIN_US;
    let start = declared.partition_point(|check| check.at_us < from);
    let end = declared.partition_point(|check| check.at_us <= to);
    let of_incident = &declared[start..end];
    let is_offline = of_incident.iter().any(|check| check.is_offline);
    of_incident.first().map(|check| (check.at_us, if is_offline { "offline" } else { "interruption" }))
}

/// What the SQL gives of each authority.
pub(super) struct Observed {
    pub authority: Authority,
    pub rows: std::ops::Range<usize>,
    pub incidents: Vec<Incident>,
}

/// The incidents of every authority in rows of the kind `window`, in the order of the rows.
pub(super) fn observed(frame: &DataFrame, scope: &Scope) -> Result<Vec<Observed>> {
    let kinds = frame.column("kind")?.str()?;
    let windows = optional(frame, "window_index")?;
    let (online_before, last_evidence) = (optional(frame, "online_before")?, optional(frame, "last_evidence")?);
    let (answered, unavailable) = (integers(frame, "answered")?, integers(frame, "unavailable")?);
    let (ambiguous, all_async) = (integers(frame, "ambiguous")?, integers(frame, "all_async")?);
    let trouble = |row: usize| {
        Some(Trouble {
            window: windows[row]?,
            answered: answered[row],
            unavailable: unavailable[row],
            ambiguous: ambiguous[row],
            all_async: all_async[row] == 1,
            online_before: online_before[row],
        })
    };
    let mut all = Vec::new();
    for (authority, rows) in by_authority(frame)? {
        let of_kind: Vec<usize> = rows.clone().filter(|row| kinds.get(*row) == Some("window")).collect();
        let troubles: Vec<Trouble> = of_kind.iter().filter_map(|row| trouble(*row)).collect();
        let last = of_kind.first().and_then(|row| last_evidence[*row]);
        all.push(Observed { authority, rows, incidents: incidents(&troubles, last, scope.online_from) });
    }
    Ok(all)
}

/// One row of the report.
struct Row {
    authority: Authority,
    incident: Incident,
    declared: Option<(i64, &'static str)>,
}

/// The incidents that touch the range, with what their providers declared.
///
/// # Errors
/// When the columns are not those of the report's SQL.
pub fn authority_incidents(frame: DataFrame, scope: &Scope) -> Result<DataFrame> {
    let (kinds, levels) = (frame.column("kind")?.str()?, frame.column("level")?.str()?);
    let times = optional(&frame, "at_us")?;
    let (from, to) = window_range(scope);
    let mut rows = Vec::new();
    for Observed { authority, rows: of_authority, incidents } in observed(&frame, scope)? {
        let is_check = |row: &usize| kinds.get(*row) == Some("declared");
        let check = |row: usize| Some(Declared { at_us: times[row]?, is_offline: levels.get(row) == Some("offline") });
        let checks: Vec<Declared> = of_authority.filter(is_check).filter_map(check).collect();
        let touches = |one: &Incident| from.is_none_or(|w| one.last >= w) && to.is_none_or(|w| one.first <= w);
        for incident in incidents.into_iter().filter(touches) {
            let declared = declared(&incident, &checks);
            rows.push(Row { authority: authority.clone(), incident, declared });
        }
    }
    let mut columns = authority_columns(rows.iter().map(|row| &row.authority));
    columns.extend(incident_columns(&rows));
    columns.extend(declared_columns(&rows));
    Ok(DataFrame::new(rows.len(), columns)?)
}

fn whole(name: &str, rows: &[Row], of: impl Fn(&Incident) -> i64) -> Column {
    Series::new(name.into(), rows.iter().map(|row| of(&row.incident)).collect::<Vec<_>>()).into_column()
}

fn truth(name: &str, rows: &[Row], of: impl Fn(&Row) -> bool) -> Column {
    Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into_column()
}

fn incident_columns(rows: &[Row]) -> Vec<Column> {
    let lowest: Vec<f64> = rows.iter().map(|row| row.incident.lowest).collect();
    vec![
        whole("began_us", rows, |one| one.first * WINDOW_US),
        whole("ended_us", rows, |one| (one.last + 1) * WINDOW_US),
        whole("minutes", rows, |one| one.windows() * WINDOW_MINUTES),
        whole("windows", rows, Incident::windows),
        whole("windows_no_data", rows, |one| one.no_data),
        Series::new("lowest_availability".into(), lowest).into_column(),
        whole("lookups", rows, |one| one.asked + one.ambiguous),
        whole("lost", rows, |one| one.lost),
        whole("ambiguous", rows, |one| one.ambiguous),
        truth("async_only", rows, |row| row.incident.async_only),
        truth("still_open", rows, |row| row.incident.still_open),
    ]
}

fn declared_columns(rows: &[Row]) -> Vec<Column> {
    let first: Vec<Option<i64>> = rows.iter().map(|row| row.declared.map(|(at, _)| at)).collect();
    let lag = |row: &Row| row.declared.map(|(at, _)| (at - row.incident.first * WINDOW_US).div_euclid(60_000_000));
    let level: Vec<Option<&str>> = rows.iter().map(|row| row.declared.map(|(_, level)| level)).collect();
    vec![
        truth("declared", rows, |row| row.declared.is_some()),
        Series::new("declared_first_us".into(), first).into_column(),
        Series::new("declared_lag_minutes".into(), rows.iter().map(lag).collect::<Vec<_>>()).into_column(),
        Series::new("declared_level".into(), level).into_column(),
    ]
}
