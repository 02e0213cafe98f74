using System.Collections;
using Broker.Configuration;
using Broker.Host.Settings;

namespace Broker.Tests.Configuration;

public class EnvironmentLayerTests
{
    [Theory]
    [InlineData("BROKER_TLS_PORT", "tcp://10.0.0.1:8443")]
    [InlineData("BROKER_LISTEN_PORT", "udp://10.0.0.1:53")]
    [InlineData("BROKER_PORT", "tcp://10.0.0.1:8000")]
    [InlineData("BROKER_SERVICE_HOST", "10.0.0.1")]
    [InlineData("BROKER_TLS_SERVICE_PORT", "8443")]
    [InlineData("BROKER_TLS_SERVICE_PORT_HTTPS", "8443")]
    [InlineData("BROKER_TLS_PORT_8443_TCP", "tcp://10.0.0.1:8443")]
    [InlineData("BROKER_TLS_PORT_8443_TCP_PROTO", "tcp")]
    [InlineData("BROKER_TLS_PORT_8443_TCP_PORT", "8443")]
    [InlineData("BROKER_TLS_PORT_8443_TCP_ADDR", "10.0.0.1")]
    [InlineData("BROKER_LISTEN_PORT", "")]
    [InlineData("BROKER_STORE_PATH", "")]
    [InlineData("BROKER_NO_SUCH", "")]
    public void What_Kubernetes_sets_for_a_service_and_empty_variables_set_nothing(string name, string value)
    {
        SettingsLayer layer =
            EnvironmentLayer.Read(new Hashtable { [name] = value }, SettingsLoader.KnownKeys, out IReadOnlyList<string> warnings);

        Assert.Empty(layer.Keys);
        Assert.Empty(warnings);
        Assert.Equal(
            8443, SettingsLoader.Load(null, new Hashtable { [name] = value }, SettingsLayer.Of("command line", [])).Settings.Tls.Port);
    }

    [Theory]
    [InlineData("broker.tls.password", true)]
    [InlineData("broker.tls.key", false)]
    [InlineData("broker.tokens.hmac-secret", true)]
    [InlineData("broker.http.api-keys", true)]
    [InlineData("akka.remote.cookie-token", true)]
    [InlineData("broker.store.key-bytes-max", false)]
    public void Secrets_are_known_by_the_words_of_their_keys(string key, bool isSecret) =>
        Assert.Equal(isSecret, SettingValue.IsSecret(key));
}
