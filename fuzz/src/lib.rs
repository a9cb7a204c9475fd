//! What several fuzz targets need: real values to begin from, ways to damage them, mutation of JSON
//! as a tree, and the schemas of events.

pub mod damage;
pub mod json;
pub mod samples;
pub mod schemas;
pub mod stages;
