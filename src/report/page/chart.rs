//! What the charts share: marks with a title, scales, and how an SVG is closed.
//!
//! Text from outside goes into text nodes and titles only, which `svg` escapes; it does not escape quotes in attributes.
//! Colours are classes of the page's style, so that one drawing serves light and dark.

use svg::Node;
use svg::node::element::{Circle, Group, Line, Rectangle, SVG, Text, Title};

/// To a tenth of a unit: shorter files, the same on every machine.
pub fn round(number: f64) -> f64 {
    let tenths = (number * 10.0).round() / 10.0;
    if tenths == 0.0 { 0.0 } else { tenths }
}

/// A drawing named by other elements of the page.
pub fn drawing(width: f64, height: f64, named_by: &str) -> SVG {
    SVG::new()
        .set("viewBox", format!("0 0 {} {}", round(width), round(height)))
        .set("role", "img")
        .set("aria-labelledby", named_by)
}

/// The text of a drawing, each of its lines once.
pub fn text_of(drawing: &SVG) -> String {
    drawing.to_string().replace("\n", "")
}

/// A rectangle of a class.
pub fn bar(class: &str, x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle::new()
        .set("class", class)
        .set("x", round(x))
        .set("y", round(y))
        .set("width", round(width.max(0.0)))
        .set("height", round(height))
}

/// A line of a class.
pub fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Line {
    Line::new()
        .set("class", class)
        .set("x1", round(from.0))
        .set("y1", round(from.1))
        .set("x2", round(to.0))
        .set("y2", round(to.1))
}

/// A dot of a class.
pub fn dot(class: &str, x: f64, y: f64, radius: f64) -> Circle {
    Circle::new().set("class", class).set("cx", round(x)).set("cy", round(y)).set("r", radius)
}

/// Text of a class (`start`, `middle` and `end` say where it stands).
pub fn label(class: &str, x: f64, y: f64, text: &str) -> Text {
    Text::new(text).set("class", class).set("x", round(x)).set("y", round(y))
}

/// A mark of one or more parts with the title that is shown when it is pointed at.
pub fn mark(title: &str, parts: Vec<Box<dyn Node>>) -> Group {
    let mut group = Group::new();
    group.append(Title::new(title));
    for part in parts {
        group.append(part);
    }
    group
}

/// From a range of values to a range of places.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub from: f64,
    pub to: f64,
}

impl Scale {
    /// The place of a value.
    pub fn at(&self, value: f64) -> f64 {
        let width = self.high - self.low;
        if width > 0.0 { self.from + (value - self.low) / width * (self.to - self.from) } else { self.from }
    }
}

/// The beginning of a text, as long as fits beside a chart.
pub fn short(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_may_run_downwards_and_be_empty() {
        let scale = Scale { low: 0.5, high: 1.0, from: 100.0, to: 0.0 };
        assert_eq!((scale.at(0.5), scale.at(0.75), scale.at(1.0)), (100.0, 50.0, 0.0));
        assert_eq!(Scale { low: 1.0, high: 1.0, from: 7.0, to: 9.0 }.at(1.0), 7.0);
    }

    #[test]
    fn text_from_outside_is_escaped_where_it_stands() {
        let group = mark("<b> & \"x\"", vec![Box::new(label("start", 1.0, 2.04, "</text><script>"))]);
        let text = group.to_string();
        assert!(text.contains("&lt;b&gt; &amp;") && text.contains("&lt;/text&gt;&lt;script&gt;"), "{text}");
    }
}
