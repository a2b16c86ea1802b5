//! What typst may see: one template, one statement, two fonts.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime};
use typst::syntax::{FileId, Source, Span, VirtualPath};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// Simplified Chinese of GB 2312 and Latin.
const FONTS: [&[u8]; 2] = [
    include_bytes!("../assets/fonts/NotoSansCJKsc-Regular.subset.otf"),
    include_bytes!("../assets/fonts/NotoSansCJKsc-Bold.subset.otf"),
];

const TEMPLATE: &str = include_str!("../assets/statement.typ");

/// What is the same for all documents.
struct Press {
    library: LazyHash<Library>,
    fonts: Vec<Font>,
    book: LazyHash<FontBook>,
    template: Source,
    data: FileId,
    canonical: FileId,
}

static PRESS: LazyLock<Press> = LazyLock::new(|| {
    let fonts = FONTS.into_iter().map(Bytes::new).flat_map(Font::iter);
    let fonts: Vec<Font> = fonts.collect();
    let file = |path: &str| FileId::new(None, VirtualPath::new(path));
    Press {
        library: LazyHash::new(Library::builder().build()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        template: Source::new(file("/statement.typ"), TEMPLATE.to_owned()),
        data: file("/data.json"),
        canonical: file("/settlement.json"),
    }
});

/// One document.
pub struct Paper {
    data: Bytes,
    canonical: Bytes,
}

impl Paper {
    /// With the template's data, and the file that is attached.
    pub fn new(data: Vec<u8>, canonical: Vec<u8>) -> Self {
        Self {
            data: Bytes::new(data),
            canonical: Bytes::new(canonical),
        }
    }
}

/// Whether it can be written.
pub fn has_glyph(c: char) -> bool {
    let has = |font: &Font| font.ttf().glyph_index(c).is_some();
    PRESS.fonts.iter().all(has)
}

/// Line of the template, from 1.
pub fn line(at: Span) -> Option<usize> {
    let at = PRESS.template.range(at)?.start;
    let before = TEMPLATE.as_bytes().get(..at)?;
    Some(1 + before.iter().filter(|byte| **byte == b'\n').count())
}

impl World for Paper {
    fn library(&self) -> &LazyHash<Library> {
        &PRESS.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &PRESS.book
    }

    fn main(&self) -> FileId {
        PRESS.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == PRESS.template.id() {
            return Ok(PRESS.template.clone());
        }
        Err(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id {
            id if id == PRESS.data => Ok(self.data.clone()),
            id if id == PRESS.canonical => Ok(self.canonical.clone()),
            _ => Err(FileError::AccessDenied),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        PRESS.fonts.get(index).cloned()
    }

    /// A document has the date of its statement, not that of its printing.
    fn today(&self, _offset: Option<i64>) -> Option<Datetime> {
        None
    }
}
