--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: audit_checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_checkpoints (
    chain text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    "time" bigint NOT NULL,
    epoch text NOT NULL COLLATE pg_catalog."C",
    signature bytea NOT NULL,
    public_key bytea NOT NULL
);


--
-- Name: audit_heads; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_heads (
    chain text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    signed_sequence bigint DEFAULT 0 NOT NULL
);


--
-- Name: audit_rows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_rows (
    chain text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    "time" bigint NOT NULL,
    accessor text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    rpc text NOT NULL COLLATE pg_catalog."C",
    resource text NOT NULL COLLATE pg_catalog."C",
    decision text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    facts text NOT NULL COLLATE pg_catalog."C",
    hash bytea NOT NULL,
    form bigint DEFAULT 1 NOT NULL,
    source text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    trace_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.changes (
    revision bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    accessor text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);


--
-- Name: data_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.data_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    master_key_id text NOT NULL COLLATE pg_catalog."C",
    wrapped bytea NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);


--
-- Name: feed; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feed (
    "only" bigint NOT NULL,
    epoch text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    health_number bigint DEFAULT 0 NOT NULL,
    CONSTRAINT feed_only_check CHECK (("only" = 1))
);


--
-- Name: key_pools; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_pools (
    owner text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    selection text NOT NULL COLLATE pg_catalog."C",
    live_count bigint NOT NULL
);


--
-- Name: keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.keys (
    row_id text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    data_key_id text NOT NULL COLLATE pg_catalog."C",
    envelope bytea NOT NULL,
    mask text NOT NULL COLLATE pg_catalog."C",
    fingerprint text NOT NULL COLLATE pg_catalog."C",
    place bigint NOT NULL,
    disabled boolean NOT NULL,
    expires_at bigint,
    allowed_models text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL COLLATE pg_catalog."C",
    health text NOT NULL COLLATE pg_catalog."C",
    health_reason text NOT NULL COLLATE pg_catalog."C",
    health_until bigint,
    change_number bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    health_since bigint,
    health_number bigint
);


--
-- Name: master_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.master_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    check_value text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    retired_at bigint
);


--
-- Name: members; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.members (
    workspace text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: requests; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.requests (
    scope text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    body_hash bytea NOT NULL,
    response bytea NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: router_watches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.router_watches (
    identity text NOT NULL COLLATE pg_catalog."C",
    instance text NOT NULL COLLATE pg_catalog."C",
    watch text NOT NULL COLLATE pg_catalog."C",
    acknowledged bigint NOT NULL,
    seen_at bigint NOT NULL
);


--
-- Name: seal_jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seal_jobs (
    kind text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    accessor text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    changed bigint NOT NULL,
    unreadable bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    finished_at bigint
);


--
-- Name: seaql_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seaql_migrations (
    version character varying NOT NULL,
    applied_at bigint NOT NULL
);


--
-- Name: tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tokens (
    accessor text NOT NULL COLLATE pg_catalog."C",
    hash bytea NOT NULL,
    workspace text COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    source_networks text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint NOT NULL,
    revoked_at bigint,
    created_at bigint NOT NULL
);


--
-- Name: workspaces; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workspaces (
    id text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    state_reason text NOT NULL COLLATE pg_catalog."C",
    policy bytea NOT NULL,
    operator_limits bytea NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    purge_at bigint,
    destroyed_at bigint,
    purged_at bigint,
    state_before text COLLATE pg_catalog."C",
    reason_before text COLLATE pg_catalog."C"
);


--
-- Data for Name: audit_checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_checkpoints VALUES ('system', 2, '\x349fd933191114c9a511bc1fd0d92b70032274e92ee28d8cfc7f7a65a3c6094d', 1795669648164112, '01a21640-6297-730e-80fc-61ba86515ee5', '\x80b5f3521d816e44cc3f1133b711f74462cbc628cc3245972cecada7553d4c09b1a2b161fd056458711ba92845a362cb2ded0c611bb2496b83c6684e7861090e', '\x9e7773b1e2c46e7017241d14db9d9d6858b9efd5482d6363bb786f1bdf147641');
INSERT INTO public.audit_checkpoints VALUES ('system', 10, '\x80c1f06002124010841e4d212fa70098a957286b8638b700f9972173d083b134', 1795669652082333, '01a21640-6297-730e-80fc-61ba86515ee5', '\x21b10cfc2f71ff06be0bbcb53d3b45f891cb414dc86c60e10ed8192b45bea616e336353b4bcdc6b1d0e3dfc16cda5d13fc1aa7293825e1c2ad2c9e54587b190d', '\x9e7773b1e2c46e7017241d14db9d9d6858b9efd5482d6363bb786f1bdf147641');
INSERT INTO public.audit_checkpoints VALUES ('workspaces/demo', 3, '\xf424217297733decb3fee7c4907cbce5c79e47de0fee5fe5ad66318b5cc073b6', 1795669652085383, '01a21640-6297-730e-80fc-61ba86515ee5', '\x14a2da43fe4c42dbaa9f1f3b902e6254eeafdf715e92ca6dde4b99f2a522220f200e93ebfca55dd46a672cc74e85dc2529b3f6cb470eee96851e50d88f1a010e', '\x9e7773b1e2c46e7017241d14db9d9d6858b9efd5482d6363bb786f1bdf147641');
INSERT INTO public.audit_checkpoints VALUES ('workspaces/north', 12, '\xca4e64eb53aaa865b5c0391e009af8936215f800190f52377e75d0b729708474', 1795669652087014, '01a21640-6297-730e-80fc-61ba86515ee5', '\x69cea2bdd7ba05b5842b1cdc807334d39bf8ed5fb9fc5a0aee9fa73a502c235c1af79b4b0bea5bcd1d5ff38f57c91d8dad3a8ca4f65670342d31e5564edd9f0e', '\x9e7773b1e2c46e7017241d14db9d9d6858b9efd5482d6363bb786f1bdf147641');
INSERT INTO public.audit_checkpoints VALUES ('workspaces/south', 12, '\x3fd1716406427d3282dabbd7bc9b114196bbf329b7a4d726e62fcd5e0ad25905', 1795669652092775, '01a21640-6297-730e-80fc-61ba86515ee5', '\x0ecc8cccee34c4be977636ae64fdc7349264e47da5fad5b2d3f2badc7da2aaf25e8863032f180106c03181a7734666b0e18e51bab98bb6f3d499f811a8b1cb0b', '\x9e7773b1e2c46e7017241d14db9d9d6858b9efd5482d6363bb786f1bdf147641');


--
-- Data for Name: audit_heads; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_heads VALUES ('system', 10, '\x80c1f06002124010841e4d212fa70098a957286b8638b700f9972173d083b134', 10);
INSERT INTO public.audit_heads VALUES ('workspaces/demo', 3, '\xf424217297733decb3fee7c4907cbce5c79e47de0fee5fe5ad66318b5cc073b6', 3);
INSERT INTO public.audit_heads VALUES ('workspaces/north', 12, '\xca4e64eb53aaa865b5c0391e009af8936215f800190f52377e75d0b729708474', 12);
INSERT INTO public.audit_heads VALUES ('workspaces/south', 12, '\x3fd1716406427d3282dabbd7bc9b114196bbf329b7a4d726e62fcd5e0ad25905', 12);


--
-- Data for Name: audit_rows; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_rows VALUES ('system', 1, 1795669648018693, '', 'service:keyway-vault', 'keyway-vault', 'masterKeys/228bfee33cf7246f', 'ALLOWED', '', '{"event":"first seen","generation":1}', '\x90f0a47c48b4e376f6048f8f04e5d6e7170cfe424ea0e43a9321758f4f8a7b94', 2, '', '');
INSERT INTO public.audit_rows VALUES ('system', 2, 1795669648032137, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway-vault bootstrap', 'tokens/01a21640-62a1-7226-b6d0-ada3361bc538', 'ALLOWED', '', '{"role":"operator","expires_at":1827205648032137}', '\x349fd933191114c9a511bc1fd0d92b70032274e92ee28d8cfc7f7a65a3c6094d', 2, '', '');
INSERT INTO public.audit_rows VALUES ('system', 3, 1795669648185274, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"7d51ad5d6a1329a3","mask":"…sted","new":true}', '\xb83d886f4ce01a780d0cdaabf5995aa30b4964c7f130fd9e777d5b24e30d305c', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 4, 1795669648202019, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/exa/default', 'ALLOWED', '', '{"version":1,"fingerprint":"5bc057792b3d64e5","mask":"…sted","new":true}', '\x89649f21cc01658a61c739c65b622ebc1cb3b4f15478b2f3569a75ecb9e66a40', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 5, 1795669648217628, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/google/default', 'ALLOWED', '', '{"version":1,"fingerprint":"f1bca7129a9013c2","mask":"…sted","new":true}', '\xcdb82c44317c75d68195c0cebe5230f966eb9b99a799210010c223afbf97621e', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 6, 1795669648227756, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/mistral/default', 'ALLOWED', '', '{"version":1,"fingerprint":"d7ae5f1564661996","mask":"…sted","new":true}', '\xe2f164aeec942e379123ce99b350238bea0864239a9bfd8f72dc61c70594913a', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 7, 1795669648237865, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"baa475d3aada1773","mask":"…sted","new":true}', '\xc11514bb4d417f0a0fb5151f864ce5631d186af84080b639d7ec11181cae28a1', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 8, 1795669648244621, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/demo', 'ALLOWED', '', '{"first_admin":"service:demo-admin"}', '\xdcb57bf50b632c92956a3503dcd5d6666ee19e3336d612b2b413f83a9364414a', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/demo', 1, 1795669648244621, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/demo', 'ALLOWED', '', '{"first_admin":"service:demo-admin"}', '\xf3c3a8ddc63b2f156a4147ac8acb1248a568eb21c0d408b95aebe09d0a5c2516', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/demo', 2, 1795669648254156, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-637e-759c-8ed4-1b9ce7afbc79', 'ALLOWED', '', '{"subject":"service:demo-admin","role":"admin","expires_at":1803445648254156,"source_networks":"[]","reason":"the launcher has no token of the demo admin"}', '\xc936d7bb8f385f37ac26960149b5a58816cefab63a2bad009af1bf660c029394', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/demo', 3, 1795669648265613, '01a21640-637e-759c-8ed4-1b9ce7afbc79', 'service:demo-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-6389-7040-8e1a-ca53a28d197f', 'ALLOWED', '', '{"subject":"service:demo-admin","role":"caller","expires_at":1803445648265613,"source_networks":"[]","reason":""}', '\xf424217297733decb3fee7c4907cbce5c79e47de0fee5fe5ad66318b5cc073b6', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 9, 1795669648985624, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/north', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\xb0927f7ef756383b6b9387acb679f786bdd64d3658c6a27801da6109fd9eb24a', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 1, 1795669648985624, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/north', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\x7f3dc085adc4824a939b3df30f1fd3022ee531033835c17d8de48d3db4709ab5', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 2, 1795669649014580, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-6677-77ab-8b05-845bb6f57bb6', 'ALLOWED', '', '{"subject":"service:first-admin","role":"admin","expires_at":1803445649014580,"source_networks":"[]","reason":"the first admin"}', '\x4685cef40efe6068aab1f715d499db46c00f2e19d54b030aff8c93bb61209e76', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 3, 1795669649052913, '01a21640-6677-77ab-8b05-845bb6f57bb6', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/north/members/service:ana', 'ALLOWED', '', '{"from":null,"to":"admin","reason":""}', '\x1cc4772afa173b779d06bc026399a920b5c9c8e26656c8b3f31a58d5000c152c', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 4, 1795669649083575, '01a21640-6677-77ab-8b05-845bb6f57bb6', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/north/members/service:auditing', 'ALLOWED', '', '{"from":null,"to":"reader","reason":""}', '\x74e826decd4d25e1e99c66f65b4d975de6aee55e2cdb35141470d2d9e59e0b32', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 5, 1795669649130647, '01a21640-6677-77ab-8b05-845bb6f57bb6', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-66eb-7369-a9d3-4564738d5c72', 'ALLOWED', '', '{"subject":"service:ana","role":"admin","expires_at":1803445649130647,"source_networks":"[]","reason":""}', '\x18da9582abc43cf298bb7c14860889b2341414b19d6662cfe2de07c7ddfad8f0', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 6, 1795669649171343, '01a21640-66eb-7369-a9d3-4564738d5c72', 'service:ana', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-6713-7683-afb9-156ee8247e8d', 'ALLOWED', '', '{"subject":"service:ana","role":"caller","expires_at":1803445649171343,"source_networks":"[]","reason":""}', '\x143b76134195faaded19da923cf0caa44f4801db5ef7c8ab8bcf10108c001c41', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 7, 1795669649205820, '01a21640-66eb-7369-a9d3-4564738d5c72', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"a98b225f8e3632ed","mask":"…orth","new":true}', '\x5a162707de91e0924196b274d64f96438cb7f7094a6732baf111edcd55dac929', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 8, 1795669649239904, '01a21640-66eb-7369-a9d3-4564738d5c72', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"63d166c7eff853e6","mask":"…orth","new":true}', '\xcf6866bf1489490f91c7a3cbcfc83513aa5147fa524813080e1b8b6850cbdb3c', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 9, 1795669649267405, '01a21640-66eb-7369-a9d3-4564738d5c72', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/mistral/default', 'ALLOWED', '', '{"version":1,"fingerprint":"3486134a5988c08e","mask":"…orth","new":true}', '\x4c70f464a715806a87d04f1054d7db75cb818793ad30d87c076076898948e617', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 10, 1795669649311322, '01a21640-66eb-7369-a9d3-4564738d5c72', 'service:ana', 'keyway.vault.v1.KeyService/DeleteKey', 'workspaces/north/keys/mistral/default', 'ALLOWED', '', '{"version":1,"row_found":true}', '\x7431eaebdebc483ffa9ddf85f3419828d2cc8bd1781d106b9dc0dbbec03a822d', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 11, 1795669649367256, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/north', 'ALLOWED', '', '{"provider":"openai","call_id":"01a21640-67d1-7503-9428-a07a1db3fe26","own":[{"name":"workspaces/north/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\xa246c175393954f604e072c760f0245f4cfa11b0b10f20f1203b7e6a23adbb04', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/north', 12, 1795669649451306, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/north', 'ALLOWED', '', '{"provider":"anthropic","call_id":"01a21640-6829-71e5-95a8-a942303f7ba3","own":[{"name":"workspaces/north/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\xca4e64eb53aaa865b5c0391e009af8936215f800190f52377e75d0b729708474', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('system', 10, 1795669649594595, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/south', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\x80c1f06002124010841e4d212fa70098a957286b8638b700f9972173d083b134', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 1, 1795669649594595, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/south', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\x1fdc66658ed6efd2abc329c00e6637aff0f70a732abb998c401627c811405aa8', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 2, 1795669649633432, '01a21640-62a1-7226-b6d0-ada3361bc538', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-68e1-7259-8d20-ddb115203b02', 'ALLOWED', '', '{"subject":"service:first-admin","role":"admin","expires_at":1803445649633432,"source_networks":"[]","reason":"the first admin"}', '\xed39e49780ff1935f82cc23dfee0d581f344ff01ff9c23366a40788ee8a43365', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 3, 1795669649658887, '01a21640-68e1-7259-8d20-ddb115203b02', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/south/members/service:ana', 'ALLOWED', '', '{"from":null,"to":"admin","reason":""}', '\x2d94559da761da6189233d0f3a2514b0e47b9657b429f7a38a0f91d2d403c523', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 4, 1795669649683922, '01a21640-68e1-7259-8d20-ddb115203b02', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/south/members/service:auditing', 'ALLOWED', '', '{"from":null,"to":"reader","reason":""}', '\x4dd09498d21193a275e0ea3714b270dfceffc54d9bf99c1079273136ce50b847', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 5, 1795669649721196, '01a21640-68e1-7259-8d20-ddb115203b02', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-6939-76b9-9607-ce5ee873ee1a', 'ALLOWED', '', '{"subject":"service:ana","role":"admin","expires_at":1803445649721196,"source_networks":"[]","reason":""}', '\xf5891e9c94a173ac7cffeb158d03d861b94a525a0fcc8951911fa5dffa918847', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 6, 1795669649757254, '01a21640-6939-76b9-9607-ce5ee873ee1a', 'service:ana', 'keyway.vault.v1.TokenService/Create', 'tokens/01a21640-695d-7062-aaa2-6d3f8a8c5dfb', 'ALLOWED', '', '{"subject":"service:ana","role":"caller","expires_at":1803445649757254,"source_networks":"[]","reason":""}', '\x653e8730bd99fdf903239a708873b8113b45c64a81c93602ca2af451efc006da', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 7, 1795669649784955, '01a21640-6939-76b9-9607-ce5ee873ee1a', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"49db0e123913a09c","mask":"…outh","new":true}', '\xbaa247c560371c7cabbd816a3d36707827101168504d830ab84d1ca8f426c2d9', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 8, 1795669649814599, '01a21640-6939-76b9-9607-ce5ee873ee1a', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"0c9b321e0973825c","mask":"…outh","new":true}', '\xa23dec5ead20c7f13fba9d6a83af9b5a8ecb2518d66fb9220201f37d3bc91515', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 9, 1795669649840265, '01a21640-6939-76b9-9607-ce5ee873ee1a', 'service:ana', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/mistral/default', 'ALLOWED', '', '{"version":1,"fingerprint":"04da83b2b713880c","mask":"…outh","new":true}', '\xb5505d90bef8079bceb0607aad427f25f4bfa73ff685cd9a5677c8b5f2d0d993', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 10, 1795669649865758, '01a21640-6939-76b9-9607-ce5ee873ee1a', 'service:ana', 'keyway.vault.v1.KeyService/DeleteKey', 'workspaces/south/keys/mistral/default', 'ALLOWED', '', '{"version":1,"row_found":true}', '\x0ab374c03ec1445b6f0a7c293edbc4838a975e62e681b62e5a7ae570ab580a06', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 11, 1795669649910349, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/south', 'ALLOWED', '', '{"provider":"openai","call_id":"01a21640-69f0-77b7-8eb6-b008a436df42","own":[{"name":"workspaces/south/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x8eadb61a55edf852054b44639630617112df54f9ae909351b01df36b76b8c547', 2, '127.0.0.1', '');
INSERT INTO public.audit_rows VALUES ('workspaces/south', 12, 1795669649970777, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/south', 'ALLOWED', '', '{"provider":"anthropic","call_id":"01a21640-6a30-7370-a7c9-46812a513d07","own":[{"name":"workspaces/south/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x3fd1716406427d3282dabbd7bc9b114196bbf329b7a4d726e62fcd5e0ad25905', 2, '127.0.0.1', '');


--
-- Data for Name: changes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.changes VALUES (1, 'CHANGE_KIND_KEY', 'platform', 'anthropic', '', '', 1795669648185274);
INSERT INTO public.changes VALUES (2, 'CHANGE_KIND_KEY', 'platform', 'exa', '', '', 1795669648202019);
INSERT INTO public.changes VALUES (3, 'CHANGE_KIND_KEY', 'platform', 'google', '', '', 1795669648217628);
INSERT INTO public.changes VALUES (4, 'CHANGE_KIND_KEY', 'platform', 'mistral', '', '', 1795669648227756);
INSERT INTO public.changes VALUES (5, 'CHANGE_KIND_KEY', 'platform', 'openai', '', '', 1795669648237865);
INSERT INTO public.changes VALUES (6, 'CHANGE_KIND_WORKSPACE', 'workspaces/demo', '', '', '', 1795669648244621);
INSERT INTO public.changes VALUES (7, 'CHANGE_KIND_WORKSPACE', 'workspaces/north', '', '', '', 1795669648985624);
INSERT INTO public.changes VALUES (8, 'CHANGE_KIND_MEMBER', 'workspaces/north', '', '', 'service:ana', 1795669649052913);
INSERT INTO public.changes VALUES (9, 'CHANGE_KIND_MEMBER', 'workspaces/north', '', '', 'service:auditing', 1795669649083575);
INSERT INTO public.changes VALUES (10, 'CHANGE_KIND_KEY', 'workspaces/north', 'openai', '', '', 1795669649205820);
INSERT INTO public.changes VALUES (11, 'CHANGE_KIND_KEY', 'workspaces/north', 'anthropic', '', '', 1795669649239904);
INSERT INTO public.changes VALUES (12, 'CHANGE_KIND_KEY', 'workspaces/north', 'mistral', '', '', 1795669649267405);
INSERT INTO public.changes VALUES (13, 'CHANGE_KIND_KEY', 'workspaces/north', 'mistral', '', '', 1795669649311322);
INSERT INTO public.changes VALUES (14, 'CHANGE_KIND_WORKSPACE', 'workspaces/south', '', '', '', 1795669649594595);
INSERT INTO public.changes VALUES (15, 'CHANGE_KIND_MEMBER', 'workspaces/south', '', '', 'service:ana', 1795669649658887);
INSERT INTO public.changes VALUES (16, 'CHANGE_KIND_MEMBER', 'workspaces/south', '', '', 'service:auditing', 1795669649683922);
INSERT INTO public.changes VALUES (17, 'CHANGE_KIND_KEY', 'workspaces/south', 'openai', '', '', 1795669649784955);
INSERT INTO public.changes VALUES (18, 'CHANGE_KIND_KEY', 'workspaces/south', 'anthropic', '', '', 1795669649814599);
INSERT INTO public.changes VALUES (19, 'CHANGE_KIND_KEY', 'workspaces/south', 'mistral', '', '', 1795669649840265);
INSERT INTO public.changes VALUES (20, 'CHANGE_KIND_KEY', 'workspaces/south', 'mistral', '', '', 1795669649865758);


--
-- Data for Name: data_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.data_keys VALUES ('01a21640-6298-769e-bdc6-8a942526bfda', 'system', 1, '228bfee33cf7246f', '\x4b5745010110323238626665653333636637323436666ceffee93d49767edcd8c6f367c985f82c18abf36af52b0f7f0f53d6c7e69cd36e76b639c62a2b90c0057c3e45d407445490599f6177dd8a94f2bf0181deacd628087b1ab6482a9f63db6b62003090d14cfe276eb5d9b1fd9c6055d970aad74c478d717fb61ddef8dcb230a5b1f494e29febc7a18426f076a2f4b1573d71', 'ACTIVE', 1795669648018693);
INSERT INTO public.data_keys VALUES ('01a21640-633b-730b-8550-45a2302107ed', 'platform', 1, '228bfee33cf7246f', '\x4b57450101103232386266656533336366373234366684028a4044f3b687b74136566a60ac346cab02a60704bdf7d6f59bd1d2532946923f0474abb32be8f421bc24ac73e7811a66e645a7f16e1e0a37684048b90f185ffea4c073d609a51d3277e300302525fc28810c5bff99a4892f7c413b3c08d8f16a9fc363075806d759fa0bbbcbd25e1b89e8537a1d939e0f6d8ead5dcf', 'ACTIVE', 1795669648185274);
INSERT INTO public.data_keys VALUES ('01a21640-6736-7015-8b34-9d40d78274ac', 'workspaces/north', 1, '228bfee33cf7246f', '\x4b57450101103232386266656533336366373234366685f3dde3b857ef284ff075a5746d706aca5a9b5b2e5f2a4a7bf01a4b1a96059ec1c46c0f4975af418133a93de12e117e10504dacba6832f0e8e96c77acdafa80e784b1a880d6b5535bb399b50030caa5cabad85f9d763f6f1bb986f59157c909147a3b3a9a7573e356713b0dc0763ef4f2e379ea9e6c1a653e141fe0b6ef', 'ACTIVE', 1795669649205820);
INSERT INTO public.data_keys VALUES ('01a21640-6979-7291-bfd8-d139ed40e94f', 'workspaces/south', 1, '228bfee33cf7246f', '\x4b574501011032323862666565333363663732343666379bc215d1c3d5d3675a6a16ff7f17466e9dcf0c314d0f5cc1aacd051285256445af2c3fccdc6f4c1f15df08382d0ddd1878dc7e6e7384e8913f59acdd12cc7a6ba81676d67b50ad70d183c600303dd19c50b5e1c27e2d8eac50ff63810b0876cb580325b7fd41d3a687be08c2f00046e7d4ea94aacd5c1bc4150e0803a8', 'ACTIVE', 1795669649784955);


--
-- Data for Name: feed; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.feed VALUES (1, '01a21640-6297-730e-80fc-61ba86515ee5', 20, 0);


--
-- Data for Name: key_pools; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.key_pools VALUES ('platform', 'anthropic', 'POOL_ORDER_SPREAD', 1);
INSERT INTO public.key_pools VALUES ('platform', 'exa', 'POOL_ORDER_SPREAD', 1);
INSERT INTO public.key_pools VALUES ('platform', 'google', 'POOL_ORDER_SPREAD', 1);
INSERT INTO public.key_pools VALUES ('platform', 'mistral', 'POOL_ORDER_SPREAD', 1);
INSERT INTO public.key_pools VALUES ('platform', 'openai', 'POOL_ORDER_SPREAD', 1);
INSERT INTO public.key_pools VALUES ('workspaces/north', 'openai', 'POOL_ORDER_ORDERED', 1);
INSERT INTO public.key_pools VALUES ('workspaces/north', 'anthropic', 'POOL_ORDER_ORDERED', 1);
INSERT INTO public.key_pools VALUES ('workspaces/north', 'mistral', 'POOL_ORDER_ORDERED', 0);
INSERT INTO public.key_pools VALUES ('workspaces/south', 'openai', 'POOL_ORDER_ORDERED', 1);
INSERT INTO public.key_pools VALUES ('workspaces/south', 'anthropic', 'POOL_ORDER_ORDERED', 1);
INSERT INTO public.key_pools VALUES ('workspaces/south', 'mistral', 'POOL_ORDER_ORDERED', 0);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.keys VALUES ('01a21640-633a-746c-847d-1ec92c15a4e4', 'platform', 'anthropic', 'default', 1, '01a21640-633b-730b-8550-45a2302107ed', '\x4b574501012430316132313634302d363333622d373330622d383535302d3435613233303231303765649e32c72628647f9f57c5481cd70fae2c94fa9810cbac50f203b8e0c1257fa478dd60713cbb1850e69d198209e957a631d453cc0c99385104f16c51d9d3a3fe6814cc3464e977b0a0e175ac3d00345c866f9f1c5292de62b3e931191258429cc4ef26a042e8750dbc4610485208987e967fd08a42139900ef0fd34328d22ce22f0746', '…sted', '7d51ad5d6a1329a3', 0, false, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795669648185274, 1795669648185274, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-634a-7558-bd43-4054ffdb5c50', 'platform', 'exa', 'default', 1, '01a21640-633b-730b-8550-45a2302107ed', '\x4b574501012430316132313634302d363333622d373330622d383535302d3435613233303231303765643d14009847a9f055036054c721cfe5abd46e8b522b840cad2242af99edce8380bf1360043e35947ec5690ddd5525c19f5d29661a5669599543c87da92b5493e25fd5fba5b71825033fe26bf1002e5fc391e4adb0df905f6e478d2acd5378026d54b929f2070f88bf09e523b2553721df2cbc012a5dcb0907068e13ac', '…sted', '5bc057792b3d64e5', 0, false, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795669648202019, 1795669648202019, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-635a-7765-8050-d72d52191925', 'platform', 'google', 'default', 1, '01a21640-633b-730b-8550-45a2302107ed', '\x4b574501012430316132313634302d363333622d373330622d383535302d343561323330323130376564e4a61e215b8ab10bb2faf3aea0f091d1755c37ea678abaa613173b6d8dc95a1da2bafb18154aea3dc809ead6f340147886db0b94d5c85688587e69727c3f62626c5017d63e316f9f0cd0c4250031cf3b5d18f56b730774020d6f116de0fe9479ae4fd0af7a93ece166f06bfbd974f5d7fe226151d0cde4cadf5ee27fa92aec', '…sted', 'f1bca7129a9013c2', 0, false, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795669648217628, 1795669648217628, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6364-72bc-a84a-6e26a21a2adc', 'platform', 'mistral', 'default', 1, '01a21640-633b-730b-8550-45a2302107ed', '\x4b574501012430316132313634302d363333622d373330622d383535302d343561323330323130376564b013c8d905db8a405551a05b983b1ddde21cd69c8d07b0d4064c7f2b7a81cc73a4af0fc1b343b70feece742336020b219eb827a722468a07e18b868b2e795f7ecd17273eec622659446c30e0003270a7becbe42436a74764895df0757d1f6a65a27b3d9a190254ca0ec3bb24eccf8ba5ea8abde498533a02cdfd9e1deff20b52', '…sted', 'd7ae5f1564661996', 0, false, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795669648227756, 1795669648227756, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-636e-7110-ba4e-f8dfffd1fe44', 'platform', 'openai', 'default', 1, '01a21640-633b-730b-8550-45a2302107ed', '\x4b574501012430316132313634302d363333622d373330622d383535302d34356132333032313037656458d7f3dc4633b3559b3a8dc634cedc372d01ef0ed633610c58daa466b0983e1a4e49e0e54328c8d4cd91d4e82cc9a3274501042dbb0093f992e145e3f087731d053d38ecaaad21c0fd4ad041003191ebcf53f7048c82d6d2854d95a8a94bf1d05b078ccbf636e8ee8b6fdf68e9e62859f2e20b0efbfc8cfb894bbd741d041d', '…sted', 'baa475d3aada1773', 0, false, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795669648237865, 1795669648237865, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6736-7015-8b34-9d3f795cd4c4', 'workspaces/north', 'openai', 'default', 1, '01a21640-6736-7015-8b34-9d40d78274ac', '\x4b574501012430316132313634302d363733362d373031352d386233342d39643430643738323734616353298a66f0ade80bf6699fc549d3eb831851ce0d65eb43b1bdde53f53b97079cd161516e4c72a66b3f38008b174b847cf5e2784ab10166c160c0e6c8f007e1ba39ad3744644964bc2cc5770e00343be5d6916d7a15e5a2298f372bb7ad1076d7376c860220e49d0fbb930896684134ab449f185f907fe7b45fe6d1a1348fa7e73e5c', '…orth', 'a98b225f8e3632ed', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795669649205820, 1795669649205820, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6758-768a-81da-615428e7eb0c', 'workspaces/north', 'anthropic', 'default', 1, '01a21640-6736-7015-8b34-9d40d78274ac', '\x4b574501012430316132313634302d363733362d373031352d386233342d3964343064373832373461637dab47b83c13b707dbbeb7b80ac5831ae79f291445070150b4b8d2b3be4199acb863ffecd7a5c92fe93f01f511d5910ed7ab243880d048e477c97650a0dc452382f5f1acd6868c20f6169f300031a249bb4236f8ed10339f6db934a27ebc4dfcddaac5194b9670099a3ea3097c38f662a9ce7b1bc43e60dd1664b8114b5d2a', '…orth', '63d166c7eff853e6', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795669649239904, 1795669649239904, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6773-76c7-b858-6d973d23ac77', 'workspaces/north', 'mistral', 'default', 1, '01a21640-6736-7015-8b34-9d40d78274ac', '\x', '…orth', '', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 2, 1795669649267405, 1795669649311322, 1795669649311322, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6979-7291-bfd8-d1385828f67f', 'workspaces/south', 'openai', 'default', 1, '01a21640-6979-7291-bfd8-d139ed40e94f', '\x4b574501012430316132313634302d363937392d373239312d626664382d6431333965643430653934665d6a6d366ea934076d74782e38d04749fbb026197c8b52167c4714f57b9f8bb55cc6a8de7b8f6119cd9f68aec5fe355eb2ab5b767bc145a62dafc0f870d4223bd181f198ad981b5bdb05a33a00349ab4a3d85fc393ed7fc705edf8a08a88d42b32b7235284ff55f4639ec29084334942cd87b9b18bfdc2925f3ce6d8ae8f764837e3', '…outh', '49db0e123913a09c', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795669649784955, 1795669649784955, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-6997-752b-98e8-297db20b210d', 'workspaces/south', 'anthropic', 'default', 1, '01a21640-6979-7291-bfd8-d139ed40e94f', '\x4b574501012430316132313634302d363937392d373239312d626664382d6431333965643430653934661a09f10af2fa6bad314fde9934e577993c8c3a1bdb0fcc650787cb068528654608d375781dc5068b1bba6a92b2c10e65ccaa898330fee6cff4e0c5e2d906ac73ce23880eaa8572128a66ca8c00312935e84647921997ca2eb7116a0ff0d2500717f9a5d9dd07a03984974249959bac21b78dc50d3f0f1e0f29e48ed02cde80', '…outh', '0c9b321e0973825c', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795669649814599, 1795669649814599, NULL, NULL, NULL);
INSERT INTO public.keys VALUES ('01a21640-69b0-72dd-ba98-38f474d67780', 'workspaces/south', 'mistral', 'default', 1, '01a21640-6979-7291-bfd8-d139ed40e94f', '\x', '…outh', '', 0, false, NULL, '[]', '', 'ACTIVE', '', NULL, 2, 1795669649840265, 1795669649865758, 1795669649865758, NULL, NULL);


--
-- Data for Name: master_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.master_keys VALUES ('228bfee33cf7246f', 1, 'b7621d82d23ae12f', 1795669648018693, NULL);


--
-- Data for Name: members; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.members VALUES ('demo', 'service:demo-admin', 'admin', 1795669648244621, 1795669648244621);
INSERT INTO public.members VALUES ('north', 'service:first-admin', 'admin', 1795669648985624, 1795669648985624);
INSERT INTO public.members VALUES ('north', 'service:ana', 'admin', 1795669649052913, 1795669649052913);
INSERT INTO public.members VALUES ('north', 'service:auditing', 'reader', 1795669649083575, 1795669649083575);
INSERT INTO public.members VALUES ('south', 'service:first-admin', 'admin', 1795669649594595, 1795669649594595);
INSERT INTO public.members VALUES ('south', 'service:ana', 'admin', 1795669649658887, 1795669649658887);
INSERT INTO public.members VALUES ('south', 'service:auditing', 'reader', 1795669649683922, 1795669649683922);


--
-- Data for Name: requests; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: router_watches; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: seal_jobs; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: seaql_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.seaql_migrations VALUES ('vault_0001_start', 1795669645);
INSERT INTO public.seaql_migrations VALUES ('vault_0002_keys', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0003_audit', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0004_admin', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0005_feed', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0006_members_by_subject', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0014_lists', 1795669646);
INSERT INTO public.seaql_migrations VALUES ('vault_0015_versions', 1795669646);


--
-- Data for Name: tokens; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tokens VALUES ('01a21640-62a1-7226-b6d0-ada3361bc538', '\xb122eeed8830eeeafd8e462d0049a480ff074a58fff3f066befefc46ce403f48', NULL, 'service:bootstrap', 'operator', '[]', 'made by keyway-vault bootstrap', 1827205648032137, NULL, 1795669648032137);
INSERT INTO public.tokens VALUES ('01a21640-637e-759c-8ed4-1b9ce7afbc79', '\x6d34272bce222632c47b22d37d59bc9a8b8362b52da7f0fa99c5696458670c8e', 'demo', 'service:demo-admin', 'admin', '[]', 'demo admin', 1803445648254156, NULL, 1795669648254156);
INSERT INTO public.tokens VALUES ('01a21640-6389-7040-8e1a-ca53a28d197f', '\x34f274376f13f8fe7fb84e48b6f96da1e21b55efc48c573218f1e251be5a6695', 'demo', 'service:demo-admin', 'caller', '[]', 'demo calls', 1803445648265613, NULL, 1795669648265613);
INSERT INTO public.tokens VALUES ('01a21640-6677-77ab-8b05-845bb6f57bb6', '\x1d4ec05f3101a78c0b533f74f6c28565c53015ac51074d0e2b6d07b50c88ff50', 'north', 'service:first-admin', 'admin', '[]', '', 1803445649014580, NULL, 1795669649014580);
INSERT INTO public.tokens VALUES ('01a21640-66eb-7369-a9d3-4564738d5c72', '\xf9896d7706b5058bf78ecd54f416418dcaa6b5f85755e7f0b3c6750d89087439', 'north', 'service:ana', 'admin', '[]', '', 1803445649130647, NULL, 1795669649130647);
INSERT INTO public.tokens VALUES ('01a21640-6713-7683-afb9-156ee8247e8d', '\x1f0ec52d22660c6e4f1ec3f13c4ce5846ffa792178e152a0f97697fbde7d6ea2', 'north', 'service:ana', 'caller', '[]', 'of before', 1803445649171343, NULL, 1795669649171343);
INSERT INTO public.tokens VALUES ('01a21640-68e1-7259-8d20-ddb115203b02', '\x6feaff08c408fe6cccad207d14989263890384948bd84a8941332996dc4f4890', 'south', 'service:first-admin', 'admin', '[]', '', 1803445649633432, NULL, 1795669649633432);
INSERT INTO public.tokens VALUES ('01a21640-6939-76b9-9607-ce5ee873ee1a', '\x4ff833ddea04a509b639f4edaa54ec5faae4e01ce558f0b48f51cdff04633220', 'south', 'service:ana', 'admin', '[]', '', 1803445649721196, NULL, 1795669649721196);
INSERT INTO public.tokens VALUES ('01a21640-695d-7062-aaa2-6d3f8a8c5dfb', '\xdc18ebe5e78a7ac7ebcb7245d09346d4fdf72e8d76091a39ed8642eb261fdf6b', 'south', 'service:ana', 'caller', '[]', 'of before', 1803445649757254, NULL, 1795669649757254);


--
-- Data for Name: workspaces; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workspaces VALUES ('demo', 'Demo', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795669648244621, 1795669648244621, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.workspaces VALUES ('north', 'north', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795669648985624, 1795669648985624, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.workspaces VALUES ('south', 'south', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795669649594595, 1795669649594595, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Name: audit_checkpoints audit_checkpoints_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (chain, sequence);


--
-- Name: audit_heads audit_heads_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (chain);


--
-- Name: audit_rows audit_rows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_rows
    ADD CONSTRAINT audit_rows_pkey PRIMARY KEY (chain, sequence);


--
-- Name: changes changes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (revision);


--
-- Name: data_keys data_keys_owner_generation_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.data_keys
    ADD CONSTRAINT data_keys_owner_generation_key UNIQUE (owner, generation);


--
-- Name: data_keys data_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.data_keys
    ADD CONSTRAINT data_keys_pkey PRIMARY KEY (id);


--
-- Name: feed feed_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feed
    ADD CONSTRAINT feed_pkey PRIMARY KEY ("only");


--
-- Name: key_pools key_pools_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_pools
    ADD CONSTRAINT key_pools_pkey PRIMARY KEY (owner, provider);


--
-- Name: keys keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (row_id);


--
-- Name: master_keys master_keys_generation_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.master_keys
    ADD CONSTRAINT master_keys_generation_key UNIQUE (generation);


--
-- Name: master_keys master_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.master_keys
    ADD CONSTRAINT master_keys_pkey PRIMARY KEY (id);


--
-- Name: members members_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (workspace, subject);


--
-- Name: requests requests_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (scope, request_id);


--
-- Name: router_watches router_watches_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.router_watches
    ADD CONSTRAINT router_watches_pkey PRIMARY KEY (identity, instance);


--
-- Name: seal_jobs seal_jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seal_jobs
    ADD CONSTRAINT seal_jobs_pkey PRIMARY KEY (kind, owner);


--
-- Name: seaql_migrations seaql_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seaql_migrations
    ADD CONSTRAINT seaql_migrations_pkey PRIMARY KEY (version);


--
-- Name: tokens tokens_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_hash_key UNIQUE (hash);


--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (accessor);


--
-- Name: workspaces workspaces_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);


--
-- Name: data_keys_by_master; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX data_keys_by_master ON public.data_keys USING btree (state, master_key_id);


--
-- Name: keys_by_data_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX keys_by_data_key ON public.keys USING btree (data_key_id) WHERE (deleted_at IS NULL);


--
-- Name: keys_by_health; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX keys_by_health ON public.keys USING btree (health_number) WHERE (health_number IS NOT NULL);


--
-- Name: keys_by_owner; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX keys_by_owner ON public.keys USING btree (owner);


--
-- Name: keys_by_place; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX keys_by_place ON public.keys USING btree (owner, provider, place, name) WHERE (deleted_at IS NULL);


--
-- Name: keys_ever; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX keys_ever ON public.keys USING btree (owner, provider, name, version);


--
-- Name: keys_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX keys_live ON public.keys USING btree (owner, provider, name) WHERE (deleted_at IS NULL);


--
-- Name: members_by_subject; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX members_by_subject ON public.members USING btree (subject);


--
-- Name: requests_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX requests_by_age ON public.requests USING btree (created_at);


--
-- Name: seal_jobs_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX seal_jobs_open ON public.seal_jobs USING btree (created_at) WHERE (finished_at IS NULL);


--
-- Name: tokens_by_member; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_by_member ON public.tokens USING btree (workspace, subject);


--
-- Name: tokens_by_workspace; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_by_workspace ON public.tokens USING btree (workspace, accessor);


--
-- Name: workspaces_to_purge; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX workspaces_to_purge ON public.workspaces USING btree (purge_at) WHERE ((purge_at IS NOT NULL) AND (purged_at IS NULL));


--
-- Name: members members_workspace_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);


--
-- Name: tokens tokens_workspace_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);


--
-- PostgreSQL database dump complete
--


