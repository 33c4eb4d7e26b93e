//! Front ends: one per language, from text to the IR. Parser types end here.
