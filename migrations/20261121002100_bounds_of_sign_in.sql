-- What a person may write is bounded where it would outlast them, and nobody is mailed a link who is not a colleague.

-- infinity is a moment to Postgres: in these tables, which people write themselves, it would stand above everything for ever.
do $$
declare
  found record;
begin
  for found in
    select c.table_name, c.column_name from information_schema.columns c
    where c.table_schema = 'public' and c.data_type = 'timestamp with time zone'
      and c.table_name = any ('{contacts,activities,campaign_enrollments,profiles,invitations,suppressions,projects,
        networking_events,networking_event_attendees,discovery_submissions,audit_log}'::text[])
  loop
    -- Not valid: what is there already stays readable (crm/database/far_moments.py), and the audit log as it was written.
    execute format('alter table public.%I add constraint %I check (isfinite(%I)) not valid',
                   found.table_name, found.table_name || '_' || found.column_name || '_is_finite', found.column_name);
  end loop;
end
$$;

-- Asked before Supabase mails a sign-in link: an active colleague, or somebody invited.
create function public.may_sign_in(p_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.profiles p where p.email = lower(btrim(p_email)) and p.active)
      or exists (select from public.invitations i where i.email = lower(btrim(p_email)))
$$;
revoke all on function public.may_sign_in(text) from public, anon, authenticated, service_role;
grant execute on function public.may_sign_in(text) to service_role;
