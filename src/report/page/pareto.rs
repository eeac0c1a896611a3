//! Why verifications did not pass: the most frequent codes as bars, with the share that they make together.

use polars::prelude::DataFrame;
use svg::Node;
use svg::node::element::Path;
use svg::node::element::path::Data;

use super::cells::{Cell, Row, Style, Table, Value, cell, figure, rows};
use super::chart::{Scale, bar, dot, drawing, label, line, mark, round, short, text_of};
use super::content::Figure;

/// Codes with a bar of their own.
const BARS: usize = 15;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 60.0;
const TOP: f64 = 26.0;
const STEP: f64 = 24.0;

struct Code<'a> {
    row: Row<'a>,
    name: String,
    outcome: String,
    count: f64,
}

/// What is drawn of a code, or of all that have no bar of their own.
struct Bar {
    name: String,
    title: String,
    outcome: String,
    count: f64,
}

impl Bar {
    fn of(code: &Code) -> Self {
        Bar { name: code.name.clone(), title: title(code), outcome: code.outcome.clone(), count: code.count }
    }

    fn of_rest(codes: usize, count: f64) -> Self {
        let name = format!("{codes} other codes");
        let title = format!("{name}: {}", figure(count, Style::Count));
        Bar { name, title, outcome: String::new(), count }
    }
}

/// The chart, or `None` where no code without a pass has a count that is shown. Only shown counts are in it, also in the
/// whole of which shares are taken: a share must not give a withheld count away.
pub fn pareto(frame: &DataFrame) -> Option<Figure> {
    let mut codes: Vec<Code> = rows(frame).filter(|row| row.text("outcome") != "passed").filter_map(code).collect();
    codes.sort_by(|a, b| b.count.total_cmp(&a.count)); // stable: equal counts keep the order of the report
    let withheld = rows(frame)
        .filter(|row| row.text("outcome") != "passed" && row.value("verifications") == Value::Withheld)
        .count();
    let total: f64 = codes.iter().map(|code| code.count).sum();
    let rest: f64 = codes.iter().skip(BARS).map(|code| code.count).sum();
    let folded = codes.len().saturating_sub(BARS);
    codes.truncate(BARS);
    let largest = codes.iter().map(|code| code.count).fold(rest, f64::max);
    if total <= 0.0 {
        return None;
    }
    let mut bars: Vec<Bar> = codes.iter().map(Bar::of).collect();
    if folded > 0 {
        bars.push(Bar::of_rest(folded, rest));
    }
    let svg = draw(&bars, total, largest);
    let hidden = match withheld {
        0 => String::new(),
        1 => " 1 code is withheld and in no share.".to_owned(),
        n => format!(" {n} codes are withheld and in no share."),
    };
    let first: f64 = bars.iter().take(3).map(|bar| bar.count).sum();
    let count = bars.len().min(3);
    let caption = format!(
        "The {count} most frequent make up {} of the {} verifications that did not pass. Bars: how many; line: share of \
         all that did not pass, from the top down.{hidden}",
        figure(first / total, Style::Percent),
        figure(total, Style::Count),
    );
    Some(Figure {
        id: "pareto".to_owned(),
        title: "Codes of verifications without a pass".to_owned(),
        caption,
        svg,
        wide: true,
        folded: false,
        table: Some(table(&codes, total)),
    })
}

fn code(row: Row) -> Option<Code> {
    let count = row.number("verifications").filter(|count| *count > 0.0)?;
    let words: Vec<String> =
        ["result_code", "error_code"].iter().map(|c| row.text(c)).filter(|text| !text.is_empty()).collect();
    let code = if words.is_empty() { "no code".to_owned() } else { words.join(" / ") };
    let (name, outcome) = (format!("{code} · {}", row.name(&["provider"])), row.text("outcome"));
    Some(Code { row, name, outcome, count })
}

fn class(outcome: &str) -> &'static str {
    match outcome {
        "failed" => "failed",
        "unavailable" | "error" => "fault",
        "" => "rest",
        _ => "open",
    }
}

fn title(code: &Code) -> String {
    let text = code.row.text("result_text");
    let text = if text.is_empty() { text } else { format!(": {text}") };
    let product = code.row.name(&["product"]);
    format!("{} · {product}{text} ({}), {}", code.name, code.outcome, figure(code.count, Style::Count))
}

fn draw(bars: &[Bar], total: f64, largest: f64) -> String {
    let height = TOP + bars.len() as f64 * STEP + 8.0;
    let x = Scale { low: 0.0, high: largest, from: LEFT, to: WIDTH - RIGHT - 60.0 };
    let share = Scale { low: 0.0, high: 1.0, from: LEFT, to: WIDTH - RIGHT };
    let mut svg = drawing(WIDTH, height, "pareto-caption");
    for percent in [0, 20, 40, 60, 80, 100] {
        let at = share.at(f64::from(percent) / 100.0);
        svg.append(line(if percent == 80 { "grid strong" } else { "grid" }, (at, TOP - 6.0), (at, height - 6.0)));
        svg.append(label("tick middle", at, TOP - 11.0, &format!("{percent} %")));
    }
    let (mut sum, mut data) = (0.0, Data::new());
    let mut dots = Vec::new();
    for (index, Bar { name, title, outcome, count }) in bars.iter().enumerate() {
        let y = TOP + index as f64 * STEP;
        let words = format!("{} {outcome}", figure(*count, Style::Count));
        let parts: Vec<Box<dyn Node>> = vec![
            Box::new(bar("field", 0.0, y, WIDTH, STEP)),
            Box::new(label("name end", LEFT - 8.0, y + 15.0, &short(name, 34))),
            Box::new(bar(class(outcome), LEFT, y + 4.0, x.at(*count) - LEFT, STEP - 8.0)),
            Box::new(label("value start", x.at(*count) + 5.0, y + 15.5, &words)),
        ];
        svg.append(mark(title, parts));
        sum += count;
        let place = (share.at(sum / total), y + STEP / 2.0);
        let to = (round(place.0) as f32, round(place.1) as f32);
        data = if index == 0 { data.move_to(to) } else { data.line_to(to) };
        let words = format!("{name} and those above: {}", figure(sum / total, Style::Percent));
        dots.push(mark(&words, vec![Box::new(dot("point sum", place.0, place.1, 3.0))]));
    }
    svg.append(Path::new().set("class", "curve sum").set("d", data));
    for dot in dots {
        svg.append(dot);
    }
    text_of(&svg)
}

fn table(codes: &[Code], total: f64) -> Table {
    let heads = [
        ("Provider", false),
        ("Product", false),
        ("Code", false),
        ("Error code", false),
        ("Outcome", false),
        ("Text", false),
        ("Verifications", true),
        ("Share", true),
        ("Together", true),
    ];
    let mut sum = 0.0;
    let rows = codes.iter().map(|code| {
        sum += code.count;
        let texts = ["provider", "product", "result_code", "error_code", "outcome", "result_text"];
        let mut cells: Vec<Cell> = texts.iter().map(|name| cell(&code.row, name, Style::Text)).collect();
        cells.push(cell(&code.row, "verifications", Style::Count));
        for part in [code.count / total, sum / total] {
            cells.push(Cell { text: figure(part, Style::Percent), number: true, ..Cell::default() });
        }
        cells
    });
    Table::plain("The most frequent codes of verifications without a pass", &heads, rows.collect())
}
