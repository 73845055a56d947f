# Parse letters with MIME-tools, which shares no code with Python's email package, and tell what it
# found: a line of JSON for each. Letters come on standard input, each after its length (4 bytes,
# the highest first).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(decode);
use JSON::PP;
use MIME::Parser;

binmode STDIN;
my $json = JSON::PP->new->ascii->canonical;

sub leaves {
    my ($entity) = @_;
    return map { leaves($_) } $entity->parts if $entity->parts;
    my $content = $entity->bodyhandle ? $entity->bodyhandle->as_string : '';
    $content =~ s/\r\n/\n/g;
    $content =~ s/\n\z//;
    return {
        type => $entity->mime_type,
        charset => $entity->head->mime_attr('content-type.charset'),
        sha256 => sha256_hex($content),
    };
}

while (read(STDIN, my $head, 4)) {
    read(STDIN, my $letter, unpack('N', $head));
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    $parser->decode_headers(0);
    my $entity = $parser->parse_data($letter);
    my @fields = map { { name => $_, values => [$entity->head->get_all($_)] } } $entity->head->tags;
    my $subject = decode('MIME-Header', $entity->head->get('Subject') // '');
    $subject =~ s/\s+\z//;
    print $json->encode({
        problems => [map { "$_" } grep { /error|warning/ } $parser->results->msgs],
        fields => \@fields,
        subject => $subject,
        type => $entity->mime_type,
        leaves => [leaves($entity)],
    }), "\n";
}
