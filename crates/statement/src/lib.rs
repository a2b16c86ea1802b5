//! Settlements as PDF: what a provider sends and a customer files, in English
//! and in Chinese.
//!
//! A pure function of a statement and what surrounds it: the same input gives
//! the same bytes. It is a crate of its own because typst, which sets the
//! document, is large: whoever changes the server or the guarantee does not
//! compile it again.
//!
//! Everything that people wrote goes into the template as data. It is set as
//! text and never evaluated, whatever is in it; there is no file system, no
//! network and no package that a template could reach.

mod data;
mod text;
mod world;

use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::settlement::Settlement;
use typst::diag::SourceDiagnostic;
use typst::foundations::Smart;
use typst::layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use world::Paper;

/// A statement, and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What was agreed.
    pub contract: &'a Contract,
    /// What the period came to.
    pub settlement: &'a Settlement,
    /// Its leaf, where it is in the log.
    pub leaf: Option<u64>,
    /// All entries of the period, the oldest first.
    pub history: &'a [Past],
    /// Name of the log: a URL without scheme.
    pub origin: &'a str,
    /// In which language.
    pub lang: Lang,
}

/// An entry of the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its leaf.
    pub leaf: u64,
    /// When it was logged.
    pub at: Timestamp,
    /// What it said.
    pub settlement: Settlement,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The settlement is of another contract than the one that was given.
    #[error("the settlement is of the contract with hash {found}, not of {expected}")]
    OtherContract {
        /// The hash in the settlement.
        found: String,
        /// That of the contract.
        expected: String,
    },
    /// A number that has no canonical form, or days that cannot be computed.
    #[error("the statement cannot be written: {0}")]
    Data(String),
    /// The template and its data do not fit: a bug.
    #[error("the document cannot be set: {0}")]
    Setting(String),
}

/// The document, as PDF/A-3b with the statement's canonical JSON attached.
///
/// # Errors
/// See [`PdfError`].
pub fn pdf(document: &Document<'_>) -> Result<Vec<u8>, PdfError> {
    let canonical = data::canonical(document)?;
    let exported = set(document, &canonical).and_then(|set| {
        let options = PdfOptions {
            ident: Smart::Custom(&canonical),
            standards: standards(),
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&set, &options).map_err(|errors| unfit(&errors))
    });
    // typst remembers what it has set; nobody asks for the same one again soon.
    typst::comemo::evict(0);
    exported
}

/// The pages.
fn set(document: &Document<'_>, canonical: &str) -> Result<PagedDocument, PdfError> {
    let data = data::data(document, canonical)?;
    let paper = Paper::new(data, canonical.as_bytes().to_vec());
    let set = typst::compile::<PagedDocument>(&paper).output;
    set.map_err(|errors| unfit(&errors))
}

fn unfit(errors: &[SourceDiagnostic]) -> PdfError {
    let said = errors.iter().map(|error| {
        let line =
            world::line(error.span).map_or_else(String::new, |line| format!("line {line}: "));
        line + &error.message
    });
    PdfError::Setting(said.collect::<Vec<_>>().join("; "))
}

/// For keeping: everything embedded, and a file may be attached.
fn standards() -> PdfStandards {
    // One standard alone contradicts no other.
    PdfStandards::new(&[PdfStandard::A_3b]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
