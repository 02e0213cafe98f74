namespace Broker.Tests.Conformance.Cases;

/// <summary>One octet sequence and whether it is UTF-8.</summary>
/// <param name="Id">The case that sends it.</param>
/// <param name="Valid">Whether RFC 3629 allows it.</param>
/// <param name="Hex">Its octets.</param>
public sealed record Utf8Sequence(string Id, bool Valid, string Hex);

/// <summary>The octet sequences of 6.5 to 6.23. RFC 3629 section 4.</summary>
public static class Utf8Sequences
{
    /// <summary>All 132 sequences, in the order of their cases.</summary>
    public static IReadOnlyList<Utf8Sequence> All { get; } =
    [
        // 6.5: well-formed text with 1, 2, 3 and 4 octet characters.
        Valid("6.5.1", "68 65 6c 6c 6f 24 77 6f 72 6c 64"),
        Valid("6.5.2", "68 65 6c 6c 6f c2 a2 77 6f 72 6c 64"),
        Valid("6.5.3", "68 65 6c 6c 6f e2 82 ac 77 6f 72 6c 64"),
        Valid("6.5.4", "68 65 6c 6c 6f f0 a4 ad a2 77 6f 72 6c 64"),
        Valid("6.5.5", "ce ba e1 bd b9 cf 83 ce bc ce b5"),

        // 6.6: every prefix of a Greek word (valid only where it ends between characters).
        Broken("6.6.1", "ce"),
        Valid("6.6.2", "ce ba"),
        Broken("6.6.3", "ce ba e1"),
        Broken("6.6.4", "ce ba e1 bd"),
        Valid("6.6.5", "ce ba e1 bd b9"),
        Broken("6.6.6", "ce ba e1 bd b9 cf"),
        Valid("6.6.7", "ce ba e1 bd b9 cf 83"),
        Broken("6.6.8", "ce ba e1 bd b9 cf 83 ce"),
        Valid("6.6.9", "ce ba e1 bd b9 cf 83 ce bc"),
        Broken("6.6.10", "ce ba e1 bd b9 cf 83 ce bc ce"),
        Valid("6.6.11", "ce ba e1 bd b9 cf 83 ce bc ce b5"),

        // 6.7: smallest code point of each length 1-4.
        Valid("6.7.1", "00"),
        Valid("6.7.2", "c2 80"),
        Valid("6.7.3", "e0 a0 80"),
        Valid("6.7.4", "f0 90 80 80"),

        // 6.8: smallest value of the 5 and 6 octet forms (do not exist in UTF-8).
        Broken("6.8.1", "f8 88 80 80 80"),
        Broken("6.8.2", "fc 84 80 80 80 80"),

        // 6.9: largest code point of each length 1-4.
        Valid("6.9.1", "7f"),
        Valid("6.9.2", "df bf"),
        Valid("6.9.3", "ef bf bf"),
        Valid("6.9.4", "f4 8f bf bf"),

        // 6.10: largest value of the 4, 5 and 6 octet forms (too large).
        Broken("6.10.1", "f7 bf bf bf"),
        Broken("6.10.2", "fb bf bf bf bf"),
        Broken("6.10.3", "fd bf bf bf bf bf"),

        // 6.11: edges: before and after the surrogates, U+FFFD, U+10FFFF, U+110000.
        Valid("6.11.1", "ed 9f bf"),
        Valid("6.11.2", "ee 80 80"),
        Valid("6.11.3", "ef bf bd"),
        Valid("6.11.4", "f4 8f bf bf"),
        Broken("6.11.5", "f4 90 80 80"),

        // 6.12: continuation octets with nothing before them.
        Broken("6.12.1", "80"),
        Broken("6.12.2", "bf"),
        Broken("6.12.3", "80 bf"),
        Broken("6.12.4", "80 bf 80"),
        Broken("6.12.5", "80 bf 80 bf"),
        Broken("6.12.6", "80 bf 80 bf 80"),
        Broken("6.12.7", "80 bf 80 bf 80 bf"),
        Broken(
            "6.12.8",
            "80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f "
            + "a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be"),

        // 6.13: lead octets each followed by a space.
        Broken(
            "6.13.1",
            "c0 20 c1 20 c2 20 c3 20 c4 20 c5 20 c6 20 c7 20 c8 20 c9 20 ca 20 cb 20 cc 20 cd 20 ce 20 cf 20 "
            + "d0 20 d1 20 d2 20 d3 20 d4 20 d5 20 d6 20 d7 20 d8 20 d9 20 da 20 db 20 dc 20 dd 20 de 20"),
        Broken("6.13.2", "e0 20 e1 20 e2 20 e3 20 e4 20 e5 20 e6 20 e7 20 e8 20 e9 20 ea 20 eb 20 ec 20 ed 20 ee 20"),
        Broken("6.13.3", "f0 20 f1 20 f2 20 f3 20 f4 20 f5 20 f6 20"),
        Broken("6.13.4", "f8 20 f9 20 fa 20"),
        Broken("6.13.5", "fc 20"),

        // 6.14: sequences that lack their last octet.
        Broken("6.14.1", "c0"),
        Broken("6.14.2", "e0 80"),
        Broken("6.14.3", "f0 80 80"),
        Broken("6.14.4", "f8 80 80 80"),
        Broken("6.14.5", "fc 80 80 80 80"),
        Broken("6.14.6", "df"),
        Broken("6.14.7", "ef bf"),
        Broken("6.14.8", "f7 bf bf"),
        Broken("6.14.9", "fb bf bf bf"),
        Broken("6.14.10", "fd bf bf bf bf"),

        // 6.15: all of 6.14 in a row.
        Broken("6.15.1", "c0 e0 80 f0 80 80 f8 80 80 80 fc 80 80 80 80 df ef bf f7 bf bf fb bf bf bf fd bf bf bf bf"),

        // 6.16: octets that never occur.
        Broken("6.16.1", "fe"),
        Broken("6.16.2", "ff"),
        Broken("6.16.3", "fe fe ff ff"),

        // 6.17: overlong forms of U+002F.
        Broken("6.17.1", "c0 af"),
        Broken("6.17.2", "e0 80 af"),
        Broken("6.17.3", "f0 80 80 af"),
        Broken("6.17.4", "f8 80 80 80 af"),
        Broken("6.17.5", "fc 80 80 80 80 af"),

        // 6.18: largest overlong value of each length.
        Broken("6.18.1", "c1 bf"),
        Broken("6.18.2", "e0 9f bf"),
        Broken("6.18.3", "f0 8f bf bf"),
        Broken("6.18.4", "f8 87 bf bf bf"),
        Broken("6.18.5", "fc 83 bf bf bf bf"),

        // 6.19: overlong forms of U+0000.
        Broken("6.19.1", "c0 80"),
        Broken("6.19.2", "e0 80 80"),
        Broken("6.19.3", "f0 80 80 80"),
        Broken("6.19.4", "f8 80 80 80 80"),
        Broken("6.19.5", "fc 80 80 80 80 80"),

        // 6.20: single surrogates.
        Broken("6.20.1", "ed a0 80"),
        Broken("6.20.2", "ed ad bf"),
        Broken("6.20.3", "ed ae 80"),
        Broken("6.20.4", "ed af bf"),
        Broken("6.20.5", "ed b0 80"),
        Broken("6.20.6", "ed be 80"),
        Broken("6.20.7", "ed bf bf"),

        // 6.21: surrogate pairs.
        Broken("6.21.1", "ed a0 80 ed b0 80"),
        Broken("6.21.2", "ed a0 80 ed bf bf"),
        Broken("6.21.3", "ed ad bf ed b0 80"),
        Broken("6.21.4", "ed ad bf ed bf bf"),
        Broken("6.21.5", "ed ae 80 ed b0 80"),
        Broken("6.21.6", "ed ae 80 ed bf bf"),
        Broken("6.21.7", "ed af bf ed b0 80"),
        Broken("6.21.8", "ed af bf ed bf bf"),

        // 6.22: non-characters (well-formed UTF-8, must be accepted).
        Valid("6.22.1", "ef bf be"),
        Valid("6.22.2", "ef bf bf"),
        Valid("6.22.3", "f0 9f bf be"),
        Valid("6.22.4", "f0 9f bf bf"),
        Valid("6.22.5", "f0 af bf be"),
        Valid("6.22.6", "f0 af bf bf"),
        Valid("6.22.7", "f0 bf bf be"),
        Valid("6.22.8", "f0 bf bf bf"),
        Valid("6.22.9", "f1 8f bf be"),
        Valid("6.22.10", "f1 8f bf bf"),
        Valid("6.22.11", "f1 9f bf be"),
        Valid("6.22.12", "f1 9f bf bf"),
        Valid("6.22.13", "f1 af bf be"),
        Valid("6.22.14", "f1 af bf bf"),
        Valid("6.22.15", "f1 bf bf be"),
        Valid("6.22.16", "f1 bf bf bf"),
        Valid("6.22.17", "f2 8f bf be"),
        Valid("6.22.18", "f2 8f bf bf"),
        Valid("6.22.19", "f2 9f bf be"),
        Valid("6.22.20", "f2 9f bf bf"),
        Valid("6.22.21", "f2 af bf be"),
        Valid("6.22.22", "f2 af bf bf"),
        Valid("6.22.23", "f2 bf bf be"),
        Valid("6.22.24", "f2 bf bf bf"),
        Valid("6.22.25", "f3 8f bf be"),
        Valid("6.22.26", "f3 8f bf bf"),
        Valid("6.22.27", "f3 9f bf be"),
        Valid("6.22.28", "f3 9f bf bf"),
        Valid("6.22.29", "f3 af bf be"),
        Valid("6.22.30", "f3 af bf bf"),
        Valid("6.22.31", "f3 bf bf be"),
        Valid("6.22.32", "f3 bf bf bf"),
        Valid("6.22.33", "f4 8f bf be"),
        Valid("6.22.34", "f4 8f bf bf"),

        // 6.23: specials U+FFF9 to U+FFFF (must be accepted).
        Valid("6.23.1", "ef bf b9"),
        Valid("6.23.2", "ef bf ba"),
        Valid("6.23.3", "ef bf bb"),
        Valid("6.23.4", "ef bf bc"),
        Valid("6.23.5", "ef bf bd"),
        Valid("6.23.6", "ef bf be"),
        Valid("6.23.7", "ef bf bf"),
    ];

    private static Utf8Sequence Valid(string id, string hex) => new(id, Valid: true, hex);

    private static Utf8Sequence Broken(string id, string hex) => new(id, Valid: false, hex);
}
