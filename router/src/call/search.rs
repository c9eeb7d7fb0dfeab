//! Search requests.

use keyway_proto::Fault;
use keyway_proto::convert::known;
use keyway_proto::router::v1 as wire;
use keyway_router_pricing::Catalogue;
use keyway_router_providers::search::{Contents, SearchCall};

use super::{Call, Common, Origin, Work, bounds, model};

impl Call {
    /// Parses a search request.
    pub fn search(
        origin: Origin,
        request: wire::SearchRequest,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let asked = if request.model.is_empty() {
            DEFAULT
        } else {
            &request.model
        };
        let (provider, model) = model(asked, catalogue)?;
        let mode = known("credential_mode", request.credential_mode)?;
        if request.query.is_empty() && request.urls.is_empty() {
            return Err(Fault::field(
                "query",
                "must not be empty, unless urls are given",
            ));
        }
        let contents = request.contents.unwrap_or_default();
        let call = SearchCall {
            model: model.clone(),
            query: text("query", request.query, LONGEST_QUERY)?,
            max_results: (request.max_results > 0).then_some(request.max_results),
            include_domains: list("include_domains", request.include_domains)?,
            exclude_domains: list("exclude_domains", request.exclude_domains)?,
            published_after: bounds::given(text("published_after", request.published_after, 64)?),
            published_before: bounds::given(text(
                "published_before",
                request.published_before,
                64,
            )?),
            contents: Contents {
                text: contents.text,
                text_max_characters: (contents.text_max_characters > 0)
                    .then_some(contents.text_max_characters),
                highlights: contents.highlights,
                summary: contents.summary,
            },
            urls: list("urls", request.urls)?,
            output_schema: bounds::object("output_schema_json", &request.output_schema_json)?,
            end_user: bounds::given(request.end_user.clone()),
            provider_options: bounds::options(&request.provider_options_json)?,
            hosted: false,
        };
        let common = Common {
            labels: request.labels,
            end_user: request.end_user,
            request_id: request.request_id,
            mode,
        };
        Self::new(origin, common, (provider, model), Work::Search(call))
    }
}

fn text(field: &str, text: String, most: usize) -> Result<String, Fault> {
    if text.len() > most {
        return Err(Fault::field(field, format!("must be at most {most} bytes")));
    }
    Ok(text)
}

fn list(field: &str, items: Vec<String>) -> Result<Vec<String>, Fault> {
    let fits = |item: &String| (1..=LONGEST_ITEM).contains(&item.len());
    if items.len() > MOST_ITEMS || !items.iter().all(fits) {
        return Err(Fault::field(
            field,
            "must be at most 1200 texts of 1 to 2048 bytes",
        ));
    }
    Ok(items)
}

const DEFAULT: &str = "exa/auto";
const LONGEST_QUERY: usize = 64 * 1024;
const LONGEST_ITEM: usize = 2_048;
const MOST_ITEMS: usize = 1_200;
