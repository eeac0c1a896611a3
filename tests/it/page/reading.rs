//! What a reader may take from the page: nothing that the choice of the shown rows only seems to say.

use kycmart::report::page::page;
use kycmart::report::set::{Disclosure, Set, Table};
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, Series};

use super::planted::{SMALL, Size, set};

fn frame<'a>(set: &'a mut Set, name: &str) -> &'a mut DataFrame {
    &mut set.tables.iter_mut().find(|table| table.name == name).unwrap().frame
}

/// The figure of an id, up to its table.
fn figure<'a>(html: &'a str, id: &str) -> &'a str {
    let from = html.find(&format!("<figure id=\"{id}\"")).unwrap_or_else(|| panic!("no figure {id}"));
    html[from..].split("<details>").next().unwrap()
}

/// The daily rates of advance_ai (`trend-1`) with every day withheld that `is` says.
fn withheld_days(days: i32, is: fn(usize) -> bool) -> String {
    let mut set = set(Size { days, ..SMALL }, Disclosure::Circulation);
    let daily = frame(&mut set, "pass_rates_daily");
    // Three providers take turns; the first is advance_ai.
    let word = |row: usize| match row.is_multiple_of(3) && is(row / 3) {
        true => "circulation; withheld: verifications passed failed decided pass_rate pass_rate_low pass_rate_high",
        false => "circulation",
    };
    let words: Vec<&str> = (0..daily.height()).map(word).collect();
    daily.with_column(Series::new("disclosure".into(), words).into_column()).unwrap();
    page(&set).unwrap()
}

#[test]
fn lowest_and_highest_are_told_only_of_days_that_size_did_not_choose() {
    let few = withheld_days(30, |day| day >= 27);
    let few = figure(&few, "trend-1");
    assert!(few.contains("Lowest ") && few.contains(" 3 days are withheld (✱)."), "a tenth");
    for (most, count) in [(withheld_days(30, |day| day >= 26), 26), (withheld_days(30, |day| day % 5 != 0), 6)] {
        let most = figure(&most, "trend-1");
        assert!(most.contains(&format!("{count} of 30 days are shown; the others are withheld (✱).")), "{most}");
        assert!(!most.contains("Lowest") && !most.contains("highest"));
    }
    let one = withheld_days(30, |day| day != 7);
    assert!(figure(&one, "trend-1").contains("1 of 30 days is shown"));
    let none = withheld_days(30, |_| true);
    assert!(figure(&none, "trend-1").contains("Every day with a rate is withheld (✱)."));
}

#[test]
fn no_line_is_between_days_that_are_not_neighbours() {
    let every_fifth = withheld_days(30, |day| day % 5 != 0);
    let chart = figure(&every_fifth, "trend-1");
    assert_eq!((chart.matches("class=\"curve\"").count(), chart.matches("class=\"alone\"").count()), (0, 6));
    let gap = withheld_days(30, |day| day == 10);
    let chart = figure(&gap, "trend-1");
    assert_eq!((chart.matches("class=\"curve\"").count(), chart.matches("class=\"alone\"").count()), (2, 0));
}

#[test]
fn an_axis_over_new_year_has_years() {
    let axis = |days: i32| {
        let html = page(&set(Size { days, ..SMALL }, Disclosure::Internal)).unwrap();
        let ticks = figure(&html, "trend-1").split("<text class=\"tick middle\"").skip(1);
        let words = ticks.map(|text| text.split_once('>').unwrap().1.split('<').next().unwrap().to_owned());
        (words.collect::<Vec<_>>().join(" "), html)
    };
    assert_eq!(axis(1).0, "1 Sep");
    assert_eq!(axis(30).0, "1 Sep 8 Sep 15 Sep 22 Sep 29 Sep");
    let (words, html) = axis(200);
    assert_eq!(words, "Sep 2026 Nov 2026 Jan 2027 Mar 2027");
    let caption = figure(&html, "trend-1");
    assert!(caption.contains(" 2027, highest ") || caption.contains(" 2026, highest "), "{caption}");
}

#[test]
fn a_range_without_a_verification_is_not_one_in_which_all_is_well() {
    let mut nothing = set(SMALL, Disclosure::Circulation);
    nothing.alerts.clear();
    for Table { frame, .. } in &mut nothing.tables {
        *frame = frame.clear();
    }
    let html = page(&nothing).unwrap();
    let words = "There is no verification in this range. Sandbox traffic is left out.";
    assert!(!html.contains("✓") && !html.contains("Nothing needs attention"));
    assert_eq!(html.matches(words).count(), 2, "above and in place of the headline figures");
    assert!(!html.contains("<ul class=\"cards\">"));

    nothing.facts.include_sandbox = true;
    let html = page(&nothing).unwrap();
    assert!(html.contains("There is no verification in this range.") && !html.contains("Sandbox traffic is left out"));

    // A provider of which only counts outside of verifications are known has a row, of nothing.
    let mut zero = set(SMALL, Disclosure::Circulation);
    zero.alerts.clear();
    let providers = frame(&mut zero, "pass_rates_by_provider");
    providers.with_column(Series::new("verifications".into(), [0i64; 3]).into_column()).unwrap();
    zero.tables.retain(|table| !["drift", "authority_incidents"].contains(&table.name.as_str()));
    assert!(!page(&zero).unwrap().contains(words), "the last provider's is withheld, and not nothing");
    zero.tables[0].frame = zero.tables[0].frame.head(Some(2));
    assert!(page(&zero).unwrap().contains(words));
}

/// A frame as it circulates: these columns empty and named, in every row.
fn withhold(frame: &mut DataFrame, names: &[&str]) {
    let rows = frame.height();
    for name in names {
        let column = frame.column(name).unwrap();
        let empty = Series::full_null((*name).into(), rows, column.dtype());
        frame.with_column(empty.into_column()).unwrap();
    }
    let words = vec![format!("circulation; withheld: {}", names.join(" ")); rows];
    frame.with_column(Series::new("disclosure".into(), words).into_column()).unwrap();
}

#[test]
fn what_changed_is_told_without_its_figures() {
    for drop in [false, true] {
        let mut set = set(SMALL, Disclosure::Circulation);
        set.alerts.clear();
        let figures = ["recent_rate", "baseline_rate", "change", "q_value"];
        let effects = ["change", "within_effect", "mix_effect"];
        for (name, columns) in [("drift", &figures[..]), ("drift_mix", &effects[..])] {
            let frame = frame(&mut set, name);
            withhold(frame, columns);
            if drop {
                *frame = frame.drop_many(columns.iter().copied());
            }
        }
        // By its keys, as it circulates, shares of codes come first.
        let drift = frame(&mut set, "drift");
        *drift = drift.sort(["metric"], Default::default()).unwrap();
        let html = page(&set).unwrap();
        let changed = html.split("What changed</h3>").nth(1).unwrap().split("</ul>").next().unwrap();
        let rate = "<b>smile_id · enhanced_kyc · NG · TYPE_003</b> pass rate down (figures withheld).";
        let share = "TYPE_003 · 1015</b> share of the code up (figures withheld).";
        let places = [rate, share].map(|words| changed.find(words).unwrap_or_else(|| panic!("{words}: {changed}")));
        assert!(places.is_sorted(), "the pass rate comes first");
        assert!(!changed.contains('%') && !changed.contains("points"), "{changed}");
        assert!(!html.contains("against the baseline"), "no split of a change that is not shown");
    }
}

#[test]
fn the_map_of_hours_needs_no_more_than_status() {
    let map = |disclosure: Disclosure| {
        let mut set = set(SMALL, disclosure);
        if disclosure == Disclosure::Circulation {
            withhold(frame(&mut set, "authority_hourly"), &["availability", "lookups"]);
        }
        page(&set).unwrap()
    };
    let html = map(Disclosure::Circulation);
    let caption = figure(&html, "heat");
    assert!(caption.contains("Hours with fewer than 10 lookups are left blank.") && !caption.contains("no lookup."));
    assert!(caption.contains("<title>advance_ai · ZA · TYPE_003, 30 Sep 12:00 to 30 Sep 19:00: offline</title>"));
    let table = html.split("Every run that was not online</caption>").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(!table.contains("Lookups") && table.contains("<td>offline</td>"), "no columns without a figure");
    assert!(figure(&map(Disclosure::Internal), "heat").contains("Blank: no lookup."));
}
