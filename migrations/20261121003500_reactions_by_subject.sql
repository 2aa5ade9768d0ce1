-- Replies and clicks tell the subject as the person got it; who sees them may see what was sent: their owners and admins.

create or replace function public.recent_reactions(p_mine boolean, p_since timestamptz, p_limit integer)
returns table (contact_id uuid, contact_name text, email text, company_name text, event text, occurred_at timestamptz,
               times bigint, subject text, campaign_name text)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me uuid := private.user_id();
  everything boolean := private.is_admin() and not p_mine;
begin
  if not private.is_staff() then
    return;
  end if;
  return query
  with lately as (
    select coalesce(c.merged_into, c.id) as contact_id, e.event, max(e.occurred_at) as last_at, count(*) as times,
           (array_agg(e.send_id order by e.occurred_at desc))[1] as send_id
    from public.email_events e join public.contacts c on c.id = e.contact_id
    where e.event in ('reply', 'click') and not e.is_machine and e.occurred_at >= p_since
      and (everything or me in (c.owner_id, c.created_by)) and (c.archived_at is null or c.merged_into is not null)
    group by 1, 2)
  select l.contact_id, btrim(c.first_name || ' ' || c.last_name), c.email, c.company_name, l.event, l.last_at, l.times,
         coalesce(private.subject_as_sent(t.compiled, s.merge_values), t.subject), d.name
  from lately l
  join public.contacts c on c.id = l.contact_id
  -- Many a reply does not say which e-mail it answers: then it is the last one before it.
  left join public.email_sends s on s.id = coalesce(l.send_id, (
    select x.id from public.email_sends x where x.contact_id = l.contact_id and x.handed_over_at <= l.last_at
    order by x.handed_over_at desc limit 1))
  left join public.drip_campaign_templates t on t.id = s.template_id
  left join public.drip_campaigns d on d.id = s.campaign_id
  order by l.event = 'reply' desc, l.last_at desc, l.contact_id
  limit p_limit;
end
$$;
