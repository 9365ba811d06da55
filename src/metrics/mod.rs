//! The catalog of metrics: name, unit and help of everything that /metrics serves, once. The page,
//! `docs/metrics.md` and a test that compares them come from here.

mod catalog;

use std::fmt::{Display, Write as _};

pub use catalog::*;

/// What every name begins with.
pub const PREFIX: &str = "dynamo_";

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, but for a restart and CONFIG RESETSTAT.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    /// Prometheus's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name without [`PREFIX`].
    pub name: &'static str,
    /// See [`Kind`].
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What is counted.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
}

/// A page in Prometheus's text format, version 0.0.4.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A metric without labels.
    pub fn put(&mut self, metric: Metric, value: impl Display) {
        self.head(metric);
        self.sample(metric, &[], value);
    }

    /// Help and type: once, above the samples of a metric with labels.
    pub fn head(&mut self, metric: Metric) {
        let Metric {
            name, help, kind, ..
        } = metric;
        let kind = kind.name();
        // Writing to a string does not fail.
        let _ = write!(
            self.0,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"
        );
    }

    /// One sample, with the values of the metric's labels.
    pub fn sample(&mut self, metric: Metric, labels: &[&str], value: impl Display) {
        debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
        let _ = write!(self.0, "{PREFIX}{}", metric.name);
        let mut opening = '{';
        for (label, text) in metric.labels.iter().zip(labels) {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            let text = text.replace('\n', "\\n");
            let _ = write!(self.0, "{opening}{label}=\"{text}\"");
            opening = ',';
        }
        if opening == ',' {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// `docs/metrics.md`.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Metrics\n\nGenerated from the catalog of metrics; `BLESS=1 cargo test --test generated` \
         writes it anew. Served in Prometheus's text format at `/metrics` of the http port; \
         `/healthz` answers 200 while the process lives, `/readyz` 503 with the reason while the \
         node loads, drains, or its log has failed. Metrics of log and tree are there with the \
         durable engine only.\n\n| metric | kind | labels | unit | what |\n|---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let _ = writeln!(
            out,
            "| `{PREFIX}{}` | {} | {} | {} | {} |",
            metric.name,
            metric.kind.name(),
            metric.labels.join(", "),
            metric.unit,
            metric.help
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_catalog_keeps_prometheus_custom() {
        let mut names = BTreeSet::new();
        for metric in METRICS {
            let name = metric.name;
            assert!(names.insert(name), "{name} twice");
            let counts = metric.kind == Kind::Counter;
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(metric.help.ends_with('.'), "{name}");
            let (bytes, seconds) = (metric.unit == "bytes", metric.unit == "seconds");
            assert_eq!(name.contains("bytes"), bytes, "{name}");
            assert_eq!(name.contains("seconds"), seconds, "{name}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.sample(BUILD_INFO, &["a\"b\\c\n", "2", "memory"], 1);
        assert_eq!(
            page.finish(),
            "dynamo_build_info{version=\"a\\\"b\\\\c\\n\",redis_version=\"2\",engine=\"memory\"} 1\n"
        );
    }
}
