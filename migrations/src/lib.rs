//! keyway-migrations
