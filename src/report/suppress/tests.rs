use polars::prelude::{DataFrame, df};

use super::*;
use crate::report::spec::spec;

fn table(name: &str, frame: DataFrame) -> Table {
    Table { name: name.to_owned(), spec: spec(name), frame }
}

/// Day, provider, passed, failed, review.
type Daily<'a> = (Option<&'a str>, &'a str, i64, i64, i64);

/// Rows as `pass_rates_daily` has them.
fn daily(rows: &[Daily]) -> Table {
    let column = |pick: fn(&Daily) -> i64| rows.iter().map(pick).collect::<Vec<i64>>();
    let none = vec![0i64; rows.len()];
    let (passed, failed) = (column(|r| r.2), column(|r| r.3));
    let rate: Vec<Option<f64>> =
        rows.iter().map(|r| (r.2 + r.3 > 0).then(|| r.2 as f64 / (r.2 + r.3) as f64)).collect();
    let frame = df!(
        "local_date" => rows.iter().map(|r| r.0).collect::<Vec<_>>(),
        "provider" => rows.iter().map(|r| r.1).collect::<Vec<_>>(),
        "verifications" => column(|r| r.2 + r.3 + r.4),
        "passed" => passed, "failed" => failed, "review" => column(|r| r.4),
        "incomplete" => none.clone(), "unavailable" => none.clone(), "error" => none.clone(),
        "pending" => none.clone(), "unknown" => none,
        "decided" => column(|r| r.2 + r.3),
        "pass_rate" => rate.clone(), "pass_rate_low" => rate.clone(), "pass_rate_high" => rate,
    );
    table("pass_rates_daily", frame.unwrap())
}

fn shown(table: &Table, column: &str) -> Vec<Option<i64>> {
    table.frame.column(column).unwrap().i64().unwrap().iter().collect()
}

fn said(table: &Table) -> Vec<String> {
    table.frame.column(DISCLOSURE).unwrap().str().unwrap().iter().map(|s| s.unwrap().to_owned()).collect()
}

#[test]
fn nothing_small_nothing_withheld() {
    let out = circulate(vec![daily(&[(Some("2026-01-01"), "jumio", 100, 20, 0)])], 10).unwrap();
    assert_eq!(said(&out[0]), ["circulation"]);
    assert_eq!(shown(&out[0], "review"), [Some(0)]);
}

#[test]
fn a_single_row_hides_the_total_or_another_part_with_the_small_one() {
    let out = circulate(vec![daily(&[(Some("2026-01-01"), "jumio", 100, 3, 0)])], 10).unwrap();
    assert_eq!(said(&out[0]), ["circulation; withheld: passed failed pass_rate pass_rate_low pass_rate_high"]);
    assert_eq!(shown(&out[0], "verifications"), [Some(103)]);
}

/// Which cells of a column are withheld.
fn hidden(table: &Table, column: &str) -> Vec<bool> {
    shown(table, column).iter().map(Option::is_none).collect()
}

fn by_provider(rows: &[(&str, i64, i64, i64)]) -> Table {
    let days: Vec<_> = rows.iter().map(|r| (None, r.0, r.1, r.2, r.3)).collect();
    let daily = daily(&days);
    table("pass_rates_by_provider", daily.frame.drop("local_date").unwrap())
}

#[test]
fn a_part_is_not_the_total_minus_the_others() {
    let out = circulate(vec![daily(&[(Some("2026-01-01"), "jumio", 100, 3, 50)])], 10).unwrap();
    let columns = ["verifications", "passed", "failed", "review"];
    assert!(hidden(&out[0], "failed")[0]);
    assert!(columns.iter().filter(|column| hidden(&out[0], column)[0]).count() >= 2);
}

#[test]
fn a_day_is_not_the_provider_minus_the_other_days() {
    let days = [("2026-01-01", 40, 4), ("2026-01-02", 50, 20), ("2026-01-03", 60, 30)];
    let rows: Vec<_> = days.iter().map(|d| (Some(d.0), "jumio", d.1, d.2, 0)).collect();
    let out = circulate(vec![by_provider(&[("jumio", 150, 54, 0)]), daily(&rows)], 10).unwrap();
    assert_eq!(shown(&out[0], "failed"), [Some(54)]);
    let withheld = hidden(&out[1], "failed");
    assert!(withheld[0] && withheld.iter().filter(|h| **h).count() == 2, "{withheld:?}");
}

#[test]
fn four_withheld_cells_make_a_rectangle() {
    let rows = [
        (Some("2026-01-01"), "jumio", 40, 4, 30),
        (Some("2026-01-02"), "jumio", 50, 20, 30),
        (Some("2026-01-03"), "jumio", 60, 30, 30),
    ];
    let out = circulate(vec![by_provider(&[("jumio", 150, 54, 90)]), daily(&rows)], 10).unwrap();
    let columns = ["passed", "failed", "review"];
    let withheld: usize = columns.iter().map(|c| hidden(&out[1], c).iter().filter(|h| **h).count()).sum();
    assert_eq!(withheld, 4);
    assert_eq!(hidden(&out[1], "verifications"), [false; 3]);
    assert_eq!(said(&out[0]), ["circulation"]);
}

#[test]
fn two_withheld_cells_of_two_in_all_would_be_one_each() {
    let out = circulate(vec![daily(&[(Some("2026-01-01"), "jumio", 80, 1, 1)])], 10).unwrap();
    let open = hidden(&out[0], "verifications")[0] || hidden(&out[0], "passed")[0];
    assert!(open, "{:?}", said(&out[0]));
}

#[test]
fn a_margin_that_is_printed_nowhere_links_two_reports() {
    let codes = df!(
        "provider" => ["jumio"; 3], "product" => ["netverify"; 3], "result_code" => ["1", "2", "3"],
        "error_code" => [None::<&str>; 3], "outcome" => ["passed", "failed", "failed"], "verifications" => [50i64, 4, 16],
    );
    let days = daily(&[(Some("2026-01-01"), "jumio", 25, 10, 0), (Some("2026-01-02"), "jumio", 25, 10, 0)]);
    let out = circulate(vec![days, table("error_codes", codes.unwrap())], 10).unwrap();
    // The days say that 20 failed; with only one code withheld it would be 20 - 16.
    assert_eq!(hidden(&out[1], "verifications"), [false, true, true]);
    assert_eq!(hidden(&out[0], "failed"), [false, false]);
}

#[test]
fn the_same_cell_is_withheld_wherever_it_stands() {
    let codes = |n: i64| {
        df!(
            "provider" => ["smile_id"; 2], "product" => [None::<&str>, Some("aml")], "result_code" => ["1", "1"],
            "error_code" => [None::<&str>; 2], "outcome" => ["passed", "passed"], "verifications" => [n, 80],
        )
    };
    let receipts = df!(
        "provider" => ["smile_id"; 2], "product" => [None::<&str>, Some("aml")], "outcome" => ["passed", "passed"],
        "verifications" => [4i64, 80], "with_receipt" => [4i64, 80], "without_receipt" => [0i64, 0],
    );
    let out =
        circulate(vec![table("error_codes", codes(4).unwrap()), table("receipts_coverage", receipts.unwrap())], 10)
            .unwrap();
    assert_eq!(hidden(&out[0], "verifications"), [false, true], "in the order of figures it stands last");
    assert_eq!(hidden(&out[1], "verifications"), [true, false]);
    assert_eq!(hidden(&out[1], "with_receipt"), [true, false]);
    assert_eq!(shown(&out[1], "without_receipt"), [Some(0), Some(0)]);
}

#[test]
fn no_day_is_a_day() {
    let rows = [(Some("2026-01-01"), "jumio", 40, 20, 0), (None, "jumio", 30, 3, 0)];
    let out = circulate(vec![by_provider(&[("jumio", 70, 23, 0)]), daily(&rows)], 10).unwrap();
    assert_eq!(hidden(&out[1], "failed"), [true, true]);
    assert_eq!(shown(&out[0], "failed"), [Some(23)]);
}

#[test]
fn a_rate_goes_with_its_counts_and_zero_stays() {
    let out = circulate(vec![daily(&[(Some("2026-01-01"), "jumio", 0, 3, 0)])], 10).unwrap();
    assert_eq!(out[0].frame.column("pass_rate").unwrap().null_count(), 1);
    assert_eq!(shown(&out[0], "passed"), [Some(0)]);
    assert_eq!(shown(&out[0], "verifications"), [None]);
}

#[test]
fn the_rest_of_a_part_is_protected_too() {
    let own = Spec::new("own", "Own").keys(&["provider"]).count("people", "people", &[]);
    let own = own.count("passed_later", "people", &[("passed", "yes")]).part_of("people");
    let frame = df!("provider" => ["jumio"], "people" => [100i64], "passed_later" => [97i64]).unwrap();
    let out = circulate(vec![Table { name: "own".to_owned(), spec: Some(own), frame }], 10).unwrap();
    assert!(hidden(&out[0], "people")[0] || hidden(&out[0], "passed_later")[0]);
}

#[test]
fn what_nobody_specified_does_not_circulate_and_internal_columns_are_empty() {
    let users = Table { name: "own".to_owned(), spec: None, frame: df!("n" => [1i64]).unwrap() };
    let rejects = df!(
        "provider" => ["jumio"], "reason" => ["broken"], "payloads" => [20i64], "bytes" => [900i64],
        "example_source" => ["a.json"], "example_offset" => [0i64], "example_index" => [0i64],
    );
    let tables = vec![users, table("rejects", rejects.unwrap())];
    let out = circulate(tables.clone(), 10).unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(said(&out[0]), ["circulation; withheld: example_source example_offset example_index"]);
    assert_eq!(out[0].frame.column("example_source").unwrap().null_count(), 1);
    let all = internal(tables);
    assert_eq!(said(&all[0]), ["internal"]);
    assert_eq!(shown(&all[1], "bytes"), [Some(900)]);
}

#[test]
fn a_month_is_the_sum_of_its_days() {
    let months = Spec::new("months", "Months").keys(&["local_month", "provider"]).outcomes();
    let mut frame = by_provider(&[("jumio", 150, 54, 90)]).frame;
    frame.with_column(Series::new("local_month".into(), ["2026-01"]).into_column()).unwrap();
    let rows = [(Some("2026-01-01"), "jumio", 110, 4, 60), (Some("2026-01-02"), "jumio", 40, 50, 30)];
    let tables = vec![Table { name: "months".to_owned(), spec: Some(months), frame }, daily(&rows)];
    let out = circulate(tables, 10).unwrap();
    assert_eq!(hidden(&out[1], "failed"), [true, true]);
}

#[test]
fn the_place_of_a_row_does_not_tell_its_figure() {
    let codes = df!(
        "provider" => ["jumio"; 4], "product" => ["netverify"; 4], "result_code" => ["4", "3", "2", "1"],
        "error_code" => [None::<&str>; 4], "outcome" => ["failed"; 4], "verifications" => [50i64, 30, 12, 4],
    );
    let totals =
        df!("provider" => ["jumio"], "product" => ["netverify"], "verifications" => [96i64], "failed" => [96i64]);
    let tables = vec![table("pass_rates_by_product", totals.unwrap()), table("error_codes", codes.unwrap())];
    let out = circulate(tables, 10).unwrap();
    let codes: Vec<_> = out[1].frame.column("result_code").unwrap().str().unwrap().iter().flatten().collect();
    assert_eq!(codes, ["4", "3", "1", "2"]);
    assert_eq!(shown(&out[1], "verifications"), [Some(50), Some(30), None, None]);
}

/// Counts that look like chance and are the same in every run.
fn spread(n: usize, below: i64) -> i64 {
    (n as i64 * 7919 + n as i64 / 13 * 104_729) % below
}

#[test]
fn a_quarter_of_a_year_keeps_its_sums_and_most_of_its_days() {
    let days: Vec<String> = (0..90).map(|n| format!("day {n}")).collect();
    let rows: Vec<_> = (0..90)
        .map(|n| (Some(days[n].as_str()), "jumio", 100 + spread(n, 50), 4 + spread(n + 7, 30), spread(n + 3, 40)))
        .collect();
    let sum = |pick: fn(&Daily) -> i64| rows.iter().map(pick).sum::<i64>();
    let whole = by_provider(&[("jumio", sum(|r| r.2), sum(|r| r.3), sum(|r| r.4))]);
    let small = rows.iter().flat_map(|r| [r.3, r.4]).filter(|n| (1..10).contains(n)).count();
    let out = circulate(vec![whole, daily(&rows)], 10).unwrap();
    assert_eq!(said(&out[0]), ["circulation"]);
    assert_eq!(hidden(&out[1], "verifications"), [false; 90]);
    let withheld: usize =
        ["passed", "failed", "review"].iter().map(|c| hidden(&out[1], c).iter().filter(|h| **h).count()).sum();
    assert!(small > 20 && withheld <= 3 * small, "{withheld} withheld for {small}");
}

#[test]
fn two_hundred_authorities_in_ninety_days() {
    let n = 18_000;
    let column = |below: i64, less: i64, shift: usize| -> Vec<i64> {
        (0..n).map(|row| (spread(row + shift, below) - less).max(0)).collect()
    };
    let (answered, unavailable, ambiguous) = (column(200, 0, 0), column(30, 15, 5), column(10, 7, 11));
    let lookups: Vec<i64> = (0..n).map(|row| answered[row] + unavailable[row] + ambiguous[row]).collect();
    let frame = df!(
        "local_date" => (0..n).map(|row| format!("day {}", row / 200)).collect::<Vec<_>>(),
        "provider" => vec!["smile_id"; n], "country" => vec!["NG"; n],
        "id_type" => (0..n).map(|row| format!("type {}", row % 200)).collect::<Vec<_>>(),
        "answered" => answered, "unavailable" => unavailable, "ambiguous" => ambiguous, "lookups" => lookups,
    );
    let tables = vec![table("authority_daily", frame.unwrap())];
    let all = ["answered", "unavailable", "ambiguous", "lookups"];
    let small = |n: &Option<i64>| n.is_some_and(|n| (1..10).contains(&n));
    let small: usize = all.iter().map(|c| shown(&tables[0], c).iter().filter(|n| small(n)).count()).sum();
    let out = circulate(tables, 10).unwrap();
    let withheld: usize = all.iter().map(|c| hidden(&out[0], c).iter().filter(|h| **h).count()).sum();
    assert!(small > 5000 && withheld <= 2 * small, "{withheld} withheld for {small}");
}

#[test]
fn a_row_of_totals_is_the_sum_of_the_others() {
    let own = Spec::new("own", "Own").keys(&["provider", "product", "is_total"]).count("people", "people", &[]);
    let frame = df!(
        "provider" => ["jumio"; 4], "product" => [Some("a"), Some("b"), Some("c"), None],
        "is_total" => [false, false, false, true], "people" => [4i64, 20, 30, 54],
    );
    let out = circulate(vec![Table { name: "own".to_owned(), spec: Some(own), frame: frame.unwrap() }], 10).unwrap();
    assert_eq!(hidden(&out[0], "people"), [true, true, false, false]);
}
