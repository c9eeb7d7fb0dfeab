-- What a person is in every workspace is asked at each sign-in.
CREATE INDEX members_by_subject ON members (subject);
