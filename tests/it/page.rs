//! The HTML report: what it says, that nothing gets out of its place or out of its set, and how a browser takes it.

mod browser;
mod planted;
mod reading;

use kycmart::report::page::page;
use kycmart::report::set::{Alert, Disclosure, Facts, Set, Table};
use planted::{SMALL, Size, set};
use polars::prelude::{DataType, IntoColumn, NamedFrom, Series};

const HOSTILE: &str = "\"><script>alert('x')</script>\u{202e}&'";

/// The page without what stands between and in its tags: element after element, attribute after attribute.
fn skeleton(html: &str) -> Vec<String> {
    let (mut tags, mut tag, mut quoted, mut inside) = (Vec::new(), String::new(), false, false);
    for c in html.chars() {
        match c {
            '<' if !inside => inside = true,
            '>' if inside && !quoted => {
                inside = false;
                tags.push(std::mem::take(&mut tag));
            }
            '"' if inside => quoted = !quoted,
            _ if inside && !quoted => tag.push(c),
            _ => {}
        }
    }
    tags
}

/// Every text of a set behind a hostile beginning, but the words that the page goes by.
fn hostile(mut set: Set) -> Set {
    for table in &mut set.tables {
        let names: Vec<String> = table.frame.columns().iter().map(|column| column.name().to_string()).collect();
        for name in names {
            let column = table.frame.column(&name).unwrap();
            if *column.dtype() != DataType::String
                || ["status", "outcome", "disclosure", "metric"].contains(&name.as_str())
            {
                continue;
            }
            let texts: Vec<Option<String>> =
                column.str().unwrap().iter().map(|text| text.map(|text| format!("{HOSTILE}{text}"))).collect();
            table.frame.with_column(Series::new(name.as_str().into(), texts).into_column()).unwrap();
        }
    }
    for Alert { subject, message, .. } in &mut set.alerts {
        *subject = format!("{HOSTILE}{subject}");
        *message = format!("{HOSTILE}{message}");
    }
    set
}

#[test]
fn text_from_outside_stays_text() {
    for disclosure in [Disclosure::Circulation, Disclosure::Internal] {
        let plain = page(&set(SMALL, disclosure)).unwrap();
        let planted = page(&hostile(set(SMALL, disclosure))).unwrap();
        assert!(!planted.contains("<script") && !planted.contains('\u{202e}'));
        assert!(planted.contains("&lt;script&gt;"));
        assert_eq!(skeleton(&plain), skeleton(&planted));
    }
}

#[test]
fn what_is_withheld_is_a_sign_and_what_was_there_changes_nothing() {
    let left = set(SMALL, Disclosure::Circulation);
    let mut emptied = left.clone();
    for Table { frame, .. } in &mut emptied.tables {
        let last = frame.height() - 1;
        let word = frame.column("disclosure").unwrap().str().unwrap().get(last).unwrap_or_default().to_owned();
        let names = word.split_once("withheld: ").map_or("", |(_, names)| names);
        for name in names.split(' ').filter(|name| !name.is_empty()) {
            let column = frame.column(name).unwrap().as_materialized_series();
            let emptied = column.head(Some(last)).extend_constant(polars::prelude::AnyValue::Null, 1).unwrap();
            frame.with_column(emptied.into_column()).unwrap();
        }
    }
    let html = page(&left).unwrap();
    assert_eq!(html, page(&emptied).unwrap(), "a cell that is named as withheld is never read");
    assert!(
        html.contains("counts below 10 are withheld") && html.contains("<span class=\"withheld\" title=\"withheld\">")
    );
    let full = page(&set(SMALL, Disclosure::Internal)).unwrap();
    assert!(full.contains("Internal: full figures.") && !full.contains("title=\"withheld\""));
}

#[test]
fn the_page_begins_with_what_is_wrong() {
    let html = page(&set(SMALL, Disclosure::Internal)).unwrap();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
    let order = ["What needs attention</h2>", "offline for 7 hours", "41 cases wait", "−9.1 points", "id=\"trend-1\""];
    let places = order.map(at);
    assert!(places.is_sorted(), "{places:?}");
    assert!(
        html.contains("smile_id: pass rate −2.1 points against the baseline, of which −1.7 points within segments")
    );
    assert!(html.contains("TYPE_003, 30 Sep 12:00 to 30 Sep 19:00: offline, lowest availability 18.0 %"), "the outage");
}

#[test]
fn an_empty_set_says_so_in_every_section() {
    let set = Set { disclosure: Disclosure::Internal, facts: Facts::default(), alerts: vec![], tables: vec![] };
    let html = page(&set).unwrap();
    assert!(html.contains("No alert. This set has no report of changes of rates and of incidents of authorities."));
    assert!(html.matches("This set has no report").count() > 8);
}

#[test]
fn the_policy_knows_the_style_and_nothing_else_is_asked_for() {
    use base64::Engine;
    use sha2::Digest;
    let html = page(&set(SMALL, Disclosure::Internal)).unwrap();
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(style.as_bytes()));
    let policy = html.split_once("content=\"").unwrap().1.split_once('"').unwrap().0;
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/");
    assert!(policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{digest}'; ")), "{policy}");
    assert_eq!(html.matches("<style").count(), 1);
    for tag in skeleton(&html) {
        let asks = ["script", "link", "img", "iframe", "object"].contains(&tag.split(' ').next().unwrap_or_default());
        let names: Vec<&str> = tag.split(' ').skip(1).map(|part| part.trim_end_matches('=')).collect();
        let runs = names.iter().any(|name| name.starts_with("on") || ["style", "src"].contains(name));
        assert!(!asks && !runs, "{tag}");
    }
    assert!(!html.contains("url(") && !html.contains("@import"));
}

#[test]
fn every_mark_has_a_title_and_every_chart_a_name_and_a_table() {
    let html = page(&set(SMALL, Disclosure::Internal)).unwrap();
    let marks = html.matches("<g>").count();
    assert_eq!(marks, html.matches("<g><title>").count());
    assert!(marks > 150, "{marks}");
    for figure in html.split("<figure ").skip(1) {
        let id = figure.split('"').nth(1).unwrap();
        assert!(figure.contains(&format!("aria-labelledby=\"{id}-caption\"")), "{id} has no name");
        assert!(figure.contains("<summary>The figures as a table"), "{id} has no table");
    }
}

#[test]
fn ninety_days_and_two_hundred_authorities_are_under_two_megabytes() {
    for disclosure in [Disclosure::Circulation, Disclosure::Internal] {
        let html = page(&set(Size { days: 90, authorities: 200, hours: 72 }, disclosure)).unwrap();
        println!("{} bytes", html.len());
        assert!(html.len() < 2_000_000, "{} bytes", html.len());
    }
}

#[test]
fn the_page_of_a_small_set() {
    let html = page(&set(Size { days: 3, authorities: 4, hours: 24 }, Disclosure::Circulation)).unwrap();
    assert_eq!(html, page(&set(Size { days: 3, authorities: 4, hours: 24 }, Disclosure::Circulation)).unwrap());
    insta::assert_snapshot!("page", html.split_once("</head>").unwrap().1);
}

#[test]
fn a_browser_shows_it_without_complaint_at_both_widths() {
    let Some(chromium) = browser::find("a_browser_shows_it_without_complaint_at_both_widths") else { return };
    let folder = crate::support::folder();
    for disclosure in [Disclosure::Circulation, Disclosure::Internal] {
        let file = folder.path().join(format!("{}.html", disclosure.folder()));
        std::fs::write(&file, page(&set(SMALL, disclosure)).unwrap()).unwrap();
        let phone = browser::phone(folder.path(), &file, 360);
        for (name, shown, size) in [("wide", &file, "1280,2400"), ("phone", &phone, "500,2400")] {
            let png = folder.path().join(format!("{name}.png"));
            let picture = format!("--screenshot={}", png.display());
            let (_, log) = browser::run(&chromium, folder.path(), shown, &[&picture, &format!("--window-size={size}")]);
            assert!(!log.contains("CONSOLE"), "{log}");
            assert!(browser::lines_of(&png) > 300, "{name} is blank");
        }
        let (dom, log) = browser::run(&chromium, folder.path(), &phone, &["--dump-dom", "--window-size=500,2400"]);
        assert!(dom.contains("needs 360 px"), "{}\n{log}", dom.split("<p").last().unwrap_or_default());
    }
}

#[test]
fn days_stand_in_for_hours_that_are_withheld_as_a_whole() {
    let days = polars::prelude::df!(
        "local_date" => [20_697i32, 20_698, 20_699, 20_699],
        "provider" => vec!["smile_id"; 4],
        "country" => vec!["NG"; 4],
        "id_type" => ["BVN", "BVN", "BVN", "NIN"],
        "lookups" => [Some(40i64), Some(50), None, Some(0)],
        "availability" => [Some(0.4), Some(0.2), None, None],
        "status" => [Some("offline"), Some("offline"), None, None],
        "disclosure" => ["circulation", "circulation", "circulation; withheld: lookups availability status", "circulation"],
    );
    let mut days = days.unwrap();
    let dates = days.column("local_date").unwrap().cast(&DataType::Date).unwrap();
    days.with_column(dates).unwrap();
    let mut set = set(SMALL, Disclosure::Circulation);
    let hours = set.tables.iter_mut().find(|table| table.name == "authority_hourly").unwrap();
    hours.frame = hours.frame.drop("status").unwrap();
    set.tables.push(Table { name: "authority_daily".to_owned(), spec: None, frame: days });
    let html = page(&set).unwrap();
    let title = "<title>smile_id · NG · BVN, 1 Sep to 2 Sep: offline, lowest availability 20.0 %, 90 lookups</title>";
    assert!(html.contains(title));
    assert!(html.contains("<title>smile_id · NG · BVN, 3 Sep: withheld</title>"));
    assert!(!html.contains("NIN, "), "a day without a lookup is blank");
}
